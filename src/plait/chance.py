"""Chance that belongs to one training: dropout and noise from a generator of its own.

torch's dropout takes the one generator of the process, so of two networks that learn at the same
time each would be given what the other leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, local

import torch
from torch import Tensor, nn

_LOCK = RLock()
_HERE = local()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch's own generator begin with a seed, and give it back as it was; one thread a time.

    Initial weights are drawn from it, and what a network draws that does not ask `drawn_from`. On a
    GPU it is not given back.
    """
    with _LOCK, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _HERE.seeded = getattr(_HERE, "seeded", 0) + 1
        try:
            yield
        finally:
            _HERE.seeded -= 1


def is_seeded() -> bool:
    """Return whether torch's own generator is this thread's, by `seeded`."""
    return getattr(_HERE, "seeded", 0) > 0


@contextmanager
def drawn_from(generator: torch.Generator) -> Iterator[None]:
    """Let `Dropout` and `Noise` draw from a generator in this thread, on the generator's device."""
    before = getattr(_HERE, "generator", None)
    _HERE.generator = generator
    try:
        yield
    finally:
        _HERE.generator = before


def _generator(device: torch.device) -> torch.Generator | None:
    """Return what is drawn from on a device; None is torch's own."""
    own: torch.Generator | None = getattr(_HERE, "generator", None)
    return own if own is not None and own.device.type == device.type else None


def hidden(values: Tensor, share: float) -> Tensor:
    """Return x k / (1 - p), k = 1 with chance 1 - p and else 0; of any shape, p in 0..1 below 1.

    Dropout (Srivastava et al., JMLR 2014), scaled while learning; torch's, but for what it draws
    from.
    """
    kept = torch.empty_like(values).bernoulli_(1 - share, generator=_generator(values.device))
    return values * kept.div_(1 - share)


class Dropout(nn.Module):
    """Hides a share of numbers, in training alone (see `hidden`).

    Args:
        share: p, in 0..1 below 1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        """Return what came in, of any shape, with a share of its numbers hidden."""
        if not self.training or not self.share:
            return values
        return hidden(values, self.share)

    def extra_repr(self) -> str:
        """Return the share, for printing."""
        return str(self.share)


class Noise(nn.Module):
    """y = x + s e with e from a normal distribution, in training alone.

    As a penalty on the length of the weights that read y, in whatever basis x is given (Bishop,
    Neural Computation 1995); dropout would depend on it.

    Args:
        spread: s.
    """

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.spread = spread

    def forward(self, values: Tensor) -> Tensor:
        """Return (..., d) in, (..., d) out."""
        if not self.training or not self.spread:
            return values
        drawn = torch.empty_like(values).normal_(generator=_generator(values.device))
        return values + self.spread * drawn
