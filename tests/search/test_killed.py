"""Writers that are killed at any moment: an index opens and holds every committed row.

`PLAIT_KILLS=50 pytest tests/search/test_killed.py` kills more often.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from made_index import QUIET, made_space, things

import plait
from plait.errors import ModelError
from plait.search.index import Index
from plait.spaces.space import Space

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

KILLS = int(os.environ.get("PLAIT_KILLS", "6"))

BATCH, ROWS = 5, 300
"""As killed.py has them."""

Nursery = tuple[Path, Space, "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("killed")
    space = made_space()
    space.save(folder / "space")
    plait.index(space, things(ROWS), folder / "kept.lance", group="code", progress=QUIET)
    script = Path(__file__).with_name("killed.py")
    paths = os.pathsep.join([str(script.parents[1]), *sys.path])
    # A forked process would wait for threads that only its parent has.
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, script, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=environment, start_new_session=True,
    )  # fmt: skip
    with process:
        yield folder, space, process
        os.killpg(process.pid, signal.SIGKILL)  # and whatever it has still begun


def kill(nursery: Nursery, job: str, number: int, seconds: float) -> list[int]:
    """Start a job, kill it after some seconds, and return what it had committed by then."""
    folder, _, process = nursery
    assert process.stdin is not None
    assert process.stdout is not None
    (folder / "committed").unlink(missing_ok=True)
    print(job, number, file=process.stdin, flush=True)
    child = int(process.stdout.readline())
    log, most = folder / "committed", time.monotonic() + 60
    while not (log.exists() and log.read_text()) and time.monotonic() < most:
        time.sleep(0.001)
    time.sleep(seconds)
    with suppress(ProcessLookupError):  # it has ended by itself
        os.kill(child, signal.SIGKILL)
    assert process.stdout.readline() == "ended\n"
    return [int(line) for line in log.read_text().split()[1:]]


def check(index: Index) -> Counter[str]:
    """Return how many rows there are of each batch; each can be found, and none twice."""
    rows = len(index)
    found = index.search("red cup", k=1000, mode="vector").hits
    assert len({hit.row for hit in found}) == len(found) == min(rows, 1000)
    assert index.search("thing", mode="text", k=1000).pool == min(rows, 1000)
    names = index.store.table.search().select(["name"]).limit(10**6).to_arrow()["name"]
    assert len(set(names.to_pylist())) == rows
    return Counter(name.rpartition("-")[0] for name in names.to_pylist())


def spread(count: int, longest: float) -> list[float]:
    """Return seconds, one in each of `count` equal parts, so that early and late ones are there."""
    draw = random.Random(count)
    return [longest * (n + draw.random()) / count for n in range(count)]


def test_an_index_is_whole_or_not_there(nursery: Nursery) -> None:
    folder, space, _ = nursery
    whole = 0
    for number, seconds in enumerate(spread(KILLS // 3, 0.25)):
        done = kill(nursery, "build", number, seconds)
        uri = folder / f"built{number}.lance"
        if done or (uri / "_versions").is_dir():
            index = plait.load(uri)
            whole += 1
        else:
            with pytest.raises(ModelError, match="There is no index|was cut off, run it again"):
                plait.load(uri)
            index = plait.index(space, things(ROWS), uri, group="code", progress=QUIET)
        assert check(index) == {"thing 0": ROWS}
    print(f"\n{whole} of {KILLS // 3} were built already")


@pytest.mark.parametrize("job", ["add", "compact"])
def test_every_committed_row_is_there(nursery: Nursery, job: str) -> None:
    uri, first = nursery[0] / "kept.lance", {"add": 1, "compact": 500}[job]
    expected, batches = check(plait.load(uri)), 0
    for number, seconds in enumerate(spread(KILLS // 3, 0.6), first):
        done = kill(nursery, job, number, seconds)
        index = plait.load(uri)
        counts = check(index)
        batches += len(done)
        assert all(counts[f"thing {seed}"] == BATCH for seed in done)
        # What was committed and not yet announced is one batch, and whole.
        assert set(counts.values()) == {ROWS, BATCH} or counts == {"thing 0": ROWS}
        assert expected <= counts
        assert len(counts) - len(expected) - len(done) in (0, 1)
        index.add(things(BATCH, seed=900_000 + number))
        expected = check(index)
    print(f"\n{batches} batches were announced by writers that were killed")
