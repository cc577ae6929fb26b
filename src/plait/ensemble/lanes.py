"""The entrants of a fold in two lanes: heads on frozen Features keep one core busy, not two.

Networks draw from torch's one generator, so they take their turns in the caller's thread. Linear
models and trees have seeds of their own, and go beside them in another: all of them come out the
same to the bit as they do one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from plait.ensemble.entrants import BY_STEPS, Entrant
from plait.ensemble.expert import Expert


def in_lanes(experts: Mapping[Entrant, Expert], run: Callable[[Entrant, Expert], None]) -> None:
    """Run what is to be done with each expert, networks in one lane and all others in another.

    Where one of them is worth several threads, all go one after the other.

    Args:
        experts: by entrant.
        run: does it; called from two threads.

    Raises:
        Exception: what `run` raised; what was not begun by then is left.
    """
    beside = [entrant for entrant in experts if entrant.method not in BY_STEPS]
    if any(expert.threads > 1 for expert in experts.values()) or len(beside) == len(experts):
        beside = []
    with ThreadPoolExecutor(1, "plait-lane") as pool:
        jobs = [pool.submit(run, entrant, experts[entrant]) for entrant in beside]
        try:
            for entrant, expert in experts.items():
                if entrant not in beside:
                    run(entrant, expert)
            for job in jobs:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
