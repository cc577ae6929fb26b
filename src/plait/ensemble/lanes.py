"""The entrants of a fold in two lanes: heads on frozen Features keep one core busy, not two.

Each draws from generators of its own, so all of them come out the same to the bit as they do one
after the other. Networks hold Python's lock much of the time, linear models and trees let go of it:
so each lane begins with one kind, and the second, when it is done with its own, takes networks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import torch

from plait.ensemble.entrants import BY_STEPS, Entrant


def in_lanes(entrants: Sequence[Entrant], run: Callable[[Entrant], None], beside: bool) -> None:
    """Run what is to be done with each entrant, in two lanes.

    Where one lane fails, the other ends with what it is at. On a GPU, whose random numbers are one
    row, networks stay in their lane; linear models always do, as each sets how many threads the
    BLAS of the process has.

    Args:
        entrants: whose turn it is, in this order in a lane.
        run: does it; called from two threads.
        beside: whether there are two lanes; else all go one after the other.

    Raises:
        Exception: what `run` raised.
    """
    if not beside:
        for entrant in entrants:
            run(entrant)
        return
    networks = deque(entrant for entrant in entrants if entrant.method in BY_STEPS)
    others = deque(entrant for entrant in entrants if entrant.method not in BY_STEPS)
    failed = Event()

    def lane(*waiting: deque[Entrant]) -> None:
        for queue in waiting:
            while not failed.is_set() and (entrant := _first(queue)) is not None:
                try:
                    run(entrant)
                except BaseException:
                    failed.set()
                    raise

    with ThreadPoolExecutor(1, "plait-lane") as pool:
        job = pool.submit(lane, others, *([] if _on_gpu() else [networks]))
        lane(networks)
        job.result()


def _on_gpu() -> bool:
    """Return whether networks learn on something else than the processor."""
    return any(own.is_available() for own in (torch.cuda, torch.backends.mps, torch.xpu))


def _first(waiting: deque[Entrant]) -> Entrant | None:
    """Take the first that waits, if any: asking first would leave time for the other lane."""
    try:
        return waiting.popleft()
    except IndexError:
        return None
