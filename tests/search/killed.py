"""Run by test_killed.py: processes that write to an index until they are killed.

    python killed.py FOLDER

reads lines `JOB NUMBER` and answers each with the id of a process that does the job again and again
in FOLDER. Processes are forked before LanceDB is imported, so each begins at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from made_index import QUIET, things

import plait
from plait.spaces.space import Space

BATCH, ROWS, READY = 5, 300, -1


def build(folder: Path, space: Space, number: int, committed: Callable[[int], None]) -> None:
    uri = folder / f"built{number}.lance"
    import lancedb  # noqa: F401  # it is the writing that is to be cut off

    committed(READY)
    plait.index(space, things(ROWS), uri, group="code", key="name", progress=QUIET)
    committed(number)


def add(folder: Path, space: Space, number: int, committed: Callable[[int], None]) -> None:
    index = plait.load(folder / "kept.lance")
    committed(READY)
    for seed in range(1000 * number, 1000 * number + 999):
        index.add(things(BATCH, seed=seed))
        committed(seed)


def compact(folder: Path, space: Space, number: int, committed: Callable[[int], None]) -> None:
    index = plait.load(folder / "kept.lance")
    committed(READY)
    for seed in range(1000 * number, 1000 * number + 999):
        index.add(things(BATCH, seed=seed))
        committed(seed)
        index.compact()


JOBS = {"build": build, "add": add, "compact": compact}


def main(folder: Path) -> None:
    space = Space.load(folder / "space")
    space.vectors(things(20), "code")  # all that is imported on first use
    for line in sys.stdin:
        job, number = line.split()
        child = os.fork()
        if child == 0:
            log = os.open(folder / "committed", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

            def committed(seed: int, log: int = log) -> None:
                os.write(log, b"%d\n" % seed)

            JOBS[job](folder, space, int(number), committed)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
