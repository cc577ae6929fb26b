"""Memory that goes back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plait.memory import THRESHOLD, USUAL, given_back

glibc = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="no glibc"
)


def megabytes() -> float:
    """Return the memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def kept_after_freeing() -> float:
    """Return what is still held of 160 MB in arrays of 2 MB, of which every tenth stays in use."""
    before = megabytes()
    arrays = [np.ones(1 << 18) for _ in range(80)]
    arrays = arrays[::10]
    kept = megabytes() - before
    assert len(arrays) == 8
    return kept


def freed_between_what_is_used() -> None:
    ctypes.CDLL(None).mallopt(THRESHOLD, USUAL)  # as after some freeing
    assert kept_after_freeing() > 100
    with given_back():
        assert kept_after_freeing() < 50


def free_afterwards() -> None:
    ctypes.CDLL(None).mallopt(THRESHOLD, USUAL)
    before = megabytes()
    arrays = [np.ones(1 << 18) for _ in range(80)]
    last = np.ones(1 << 18)  # above them on the heap
    del arrays
    assert megabytes() - before > 100
    with given_back():
        pass
    assert megabytes() - before < 50
    assert last.all()


@glibc
@pytest.mark.parametrize("what", [freed_between_what_is_used, free_afterwards])
def test_what_is_freed_goes_back(what: Callable[[], None]) -> None:
    """In a process of its own: one that has done much holds memory that new arrays fit into."""
    run = subprocess.run(
        [sys.executable, __file__, what.__name__], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with given_back():
        assert kept_after_freeing() >= 0


if __name__ == "__main__":
    globals()[sys.argv[1]]()
