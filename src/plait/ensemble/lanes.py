"""The entrants of a fold in two lanes: heads on frozen Features keep one core busy, not two.

Networks draw from torch's one generator, so they take their turns in the caller's thread. Linear
models and trees have seeds of their own, and go beside them in another: all of them come out the
same to the bit as they do one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from plait.ensemble.entrants import BY_STEPS, Entrant


def in_lanes(entrants: Sequence[Entrant], run: Callable[[Entrant], None], beside: bool) -> None:
    """Run what is to be done with each entrant, networks in one lane and all others in another.

    Where one lane fails, the other ends with what it is at.

    Args:
        entrants: whose turn it is, in this order in each lane.
        run: does it; called from two threads.
        beside: whether there are two lanes; else all go one after the other.

    Raises:
        Exception: what `run` raised.
    """
    others = [e for e in entrants if beside and e.method not in BY_STEPS]
    networks = [entrant for entrant in entrants if entrant not in others]
    failed = Event()

    def lane() -> None:
        for entrant in others:
            if not failed.is_set():
                run(entrant)

    with ThreadPoolExecutor(1, "plait-lane") as pool:
        job = pool.submit(lane)
        try:
            for entrant in networks:
                if job.done():
                    job.result()
                run(entrant)
        except BaseException:
            failed.set()
            raise
        job.result()
