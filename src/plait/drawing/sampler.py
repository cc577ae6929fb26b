"""From noise to pictures: the steps along a flow, and guidance on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from plait.drawing.config import DrawingConfig, Sampler
from plait.drawing.flow import Flow, Shape
from plait.types import Features, one_below_other

Velocity = Callable[[Tensor, Tensor], Tensor]
"""(b c h w) between noise and picture, (b) times in 0..1 -> (b c h w)."""


def follow(
    velocity: Velocity,
    values: Tensor,
    steps: int,
    sampler: Sampler = "euler",
    start: float = 0.0,
    advance: Callable[[int], None] | None = None,
) -> Tensor:
    """Return where a flow takes values from a start to time 1.

        euler:  x + h v(x, t)
        heun:   x + h/2 (v(x, t) + v(x + h v(x, t), t + h))

    with h = (1 - start) / steps: errors of order h, and h^2 (Hairer, Norsett and Wanner, 1993,
    section II.1; Karras et al., NeurIPS 2022, algorithm 1, for pictures).

    Args:
        velocity: of the flow.
        values: (b c h w) at the start.
        steps: of one length.
        sampler: which of the two.
        start: time in 0..1.
        advance: is told of each step.
    """
    times = torch.linspace(start, 1.0, steps + 1, dtype=torch.float64).tolist()
    for time, after in pairwise(times):
        step = after - time
        here = velocity(values, values.new_full((len(values),), time))
        if sampler == "heun":
            there = velocity(values + step * here, values.new_full((len(values),), after))
            here = (here + there) / 2
        values = values + step * here
        if advance is not None:
            advance(1)
    return values


@dataclass(frozen=True)
class Guided:
    """A flow's velocity for some rows, pushed on past another one.

        v = v(x, t, n) + g (v(x, t, c) - v(x, t, n))

    Classifier-free guidance (Ho and Salimans, 2022, equation 6); n is nothing, or what the picture
    shall not be.

    Attributes:
        flow: that is followed.
        features: c, of b rows.
        against: n, of b rows; None is nothing.
        guidance: g.
    """

    flow: Flow
    features: Features
    against: Features | None
    guidance: float

    def __call__(self, values: Tensor, time: Tensor) -> Tensor:
        """Return the velocity (b c h w) at (b) times; one pass of the network, of 2b rows."""
        if self.guidance == 1.0:
            found: Tensor = self.flow(values, time, self.features)
            return found
        against = self.against
        if against is None:
            nowhere = torch.zeros_like(self.features.present)
            against = self.features.keep(nowhere)
        both = one_below_other([against, self.features])
        away, there = self.flow(values.repeat(2, 1, 1, 1), time.repeat(2), both).chunk(2)
        return away + self.guidance * (there - away)


def noise_of(shape: Shape, seeds: list[int]) -> Tensor:
    """Return (b c h w) normal numbers, those of each picture from a seed of its own."""
    return torch.stack([
        torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds
    ])  # fmt: skip


@torch.no_grad()
def draw(
    flow: Flow,
    features: Features,
    config: DrawingConfig,
    noise: Tensor,
    against: Features | None = None,
    begin: Tensor | None = None,
    advance: Callable[[int], None] | None = None,
) -> Tensor:
    """Return (b c h w) that a flow goes to.

    A picture to begin with is noised up to time 1 - strength, and goes on from there (Meng et al.,
    SDEdit, ICLR 2022, section 3): (1 - t) noise + t picture.

    Args:
        flow: trained.
        features: of b rows.
        config: how.
        noise: (b c h w).
        against: of b rows: what the pictures shall not be.
        begin: (b c h w), to be edited.
        advance: is told of each step.
    """
    start = 0.0 if begin is None else 1.0 - config.strength
    values = noise if begin is None else (1 - start) * noise + start * begin
    velocity = Guided(flow, features, against, config.guidance)
    return follow(velocity, values, config.steps, config.sampler, start, advance)
