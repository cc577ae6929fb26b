from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from plait.errors import ConfigError
from plait.store import HOME, LIMIT, Store, default_store, keys_of


def value(number: int, size: int = 100) -> tuple[np.ndarray, ...]:
    return np.full(size, number, np.float32), np.arange(6, dtype=np.uint16).reshape(2, 3)


def key(number: int) -> bytes:
    return number.to_bytes(20, "little")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    Store(tmp_path, 10**6).write({key(n): value(n) for n in range(1200)})
    found = Store(tmp_path, 10**6).read([key(n) for n in range(1500)])
    assert len(found) == 1200
    for n in (0, 700, 1199):
        for one, other in zip(found[key(n)], value(n), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


def test_the_least_recently_used_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.store.FRESH", 0.0)
    store = Store(tmp_path, 10_000)  # a value takes about 600 bytes
    for n in range(12):
        store.write({key(n): value(n)})
        time.sleep(0.002)
    assert store.read([key(0)])
    for n in range(12, 24):
        store.write({key(n): value(n)})
        store.read([key(0)])
        time.sleep(0.002)
    left = {n for n in range(24) if store.read([key(n)])}
    assert 0 in left
    assert 23 in left
    assert not left & {1, 2, 3}
    assert store.contents().size <= 10_000


def test_that_a_value_was_used_is_noted_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, 10**6)
    store.write({key(1): value(1)})

    def used() -> float:
        with sqlite3.connect(store.path) as connection:
            return float(connection.execute("SELECT used FROM vectors").fetchone()[0])

    written = used()
    assert store.touch([key(1), key(2)]) == {key(1)}
    assert store.read([key(1)])
    assert used() == written
    monkeypatch.setattr("plait.store.FRESH", 0.0)
    store.touch([key(1)])
    assert used() > written


def test_clearing_it(tmp_path: Path) -> None:
    store = Store(tmp_path, 10**6)
    assert store.contents().values == 0
    store.write({key(1): value(1)})
    assert store.contents().values == 1
    store.clear()
    assert store.contents().values == 0
    assert not list(tmp_path.iterdir())


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_store import key, value
from plait.store import Store
store = Store(Path(sys.argv[1]), 10**9)
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 400):
    store.write({key(n): value(n)})
    print(n, flush=True)
"""


def writer(folder: Path, first: int) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first), here],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    processes = [writer(tmp_path, first) for first in (0, 400)]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert Store(tmp_path, 10**9).contents().values == 800


def test_a_killed_process_leaves_what_it_had_written(tmp_path: Path) -> None:
    process = writer(tmp_path, 0)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 50:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.communicate()
    found = Store(tmp_path, 10**9).read([key(n) for n in range(51)])
    assert len(found) == 51
    assert found[key(50)][0][0] == 50


def test_a_broken_cache_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path, 10**6)
    store.path.write_bytes(b"no database " * 500)
    assert store.read([key(1)]) == {}
    store.write({key(1): value(1)})
    said = capsys.readouterr().err
    assert said.count("cannot be used") == 1
    assert "plait cache --clear" in said
    with pytest.raises(ConfigError, match="cannot be read .*Clear it with"):
        Store(tmp_path, 10**6).contents()
    store.clear()
    again = Store(tmp_path, 10**6)
    again.write({key(1): value(1)})
    assert again.read([key(1)])


def test_a_full_disk_is_said_and_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path, 10**9)
    store.write({key(0): value(0)})
    assert store._connection is not None
    # The file may not grow any more: SQLite then says what it says of a full disk.
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    store.write({key(n): value(n, 5000) for n in range(1, 50)})
    assert "database or disk is full" in capsys.readouterr().err
    store.write({key(60): value(60)})
    assert store.read([key(0)]) == {}
    assert Store(tmp_path, 10**9).read([key(0)])


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "cache", 10**6)
    assert store.read([key(1)]) == {}
    assert "cannot be used" in capsys.readouterr().err


def test_other_versions_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "features-0.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE vectors (id INTEGER)")
    store = Store(tmp_path, 10**6)
    store.write({key(1): value(1)})
    assert store.read([key(1)])
    assert other.exists()


def test_where_it_lies_and_how_large_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME, str(tmp_path))
    monkeypatch.setenv(LIMIT, "0.5")
    store = default_store()
    assert store.path.parent == tmp_path
    assert store.limit == 500_000_000
    monkeypatch.setenv(LIMIT, "much")
    with pytest.raises(ConfigError, match=r"\$PLAIT_CACHE_GB must be a number of gigabytes"):
        default_store()


def test_keys_depend_on_content_and_network() -> None:
    one, none, other = keys_of([b"a", None, b"b"], "network")
    assert none is None
    assert len({one, other, *keys_of([b"a", b"b"], "other")}) == 4
