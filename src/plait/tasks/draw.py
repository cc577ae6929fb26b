"""Draw: a picture, as what a flow carries noise to."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.drawing.config import DrawingConfig
from plait.drawing.flow import Flow
from plait.drawing.sampler import draw, noise_of
from plait.tasks.task import Objective
from plait.types import Features


class Draw(Objective):
    """The squared error of the velocity between noise and a picture.

        x_t = (1 - t) e + t x,   L = sum_i w_i |v(x_t, t, c_i) - (x_i - e_i)|^2 / (d sum_i w_i)

    Rectified flow (Liu et al., ICLR 2023, equation 1; Lipman et al., ICLR 2023, section 4.1), with
    t from a logit-normal distribution (Esser et al., ICML 2024, section 3.1): what is in the middle
    is hardest. A share of the rows learns without its inputs, so that there is something for
    guidance to go away from (Ho and Salimans, 2022, algorithm 1).

    When judged, noise and times are the same each time, and times are spread evenly over that
    distribution, so that epochs can be compared.

    Args:
        flow: that learns.
        unconditioned: share of rows that learn without inputs.
        drawing: how `predict` draws.
    """

    def __init__(
        self, flow: Flow, unconditioned: float = 0.1, drawing: DrawingConfig | None = None
    ) -> None:
        super().__init__()
        self.flow, self.unconditioned = flow, unconditioned
        self.drawing = drawing or DrawingConfig()

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            features: of b rows.
            target: (b c h w) pictures, bytes or -1..1; or latents of variance 1.
            weight: (b) weights of the rows.
        """
        picture = unit(target)
        generator = None if self.training else torch.Generator().manual_seed(0)
        if self.training:
            time = torch.randn(len(picture)).sigmoid()
            learned = torch.rand(len(picture)) >= self.unconditioned
            features = features.keep(learned.to(picture.device))
        else:
            time = spread_times(len(picture), generator)
        time = time.to(picture.device)
        noise = torch.randn(picture.shape, generator=generator).to(picture.device)
        share = time[:, None, None, None]
        velocity = self.flow((1 - share) * noise + share * picture, time, features)
        errors = (velocity - (picture - noise)).square().flatten(1).mean(dim=1)
        return (errors * weight).sum() / weight.sum().clamp_min(1e-12)

    def predict(self, features: Features) -> Tensor:
        """Return (b c h w) pictures in -1..1, or latents, drawn with the seed of the settings."""
        seeds = [self.drawing.seed] * len(features)
        noise = noise_of(self.flow.shape, seeds).to(features.pooled.device)
        return draw(self.flow, features, self.drawing, noise)


def spread_times(count: int, generator: torch.Generator | None = None) -> Tensor:
    """Return (count) times, the evenly spaced quantiles of a logit-normal, in a random order."""
    quantiles = (torch.arange(count) + 0.5) / max(count, 1)
    times = torch.special.ndtri(quantiles).sigmoid()
    return times[torch.randperm(count, generator=generator)]


def unit(pictures: Tensor) -> Tensor:
    """Return bytes 0..255 as -1..1; real numbers as they are."""
    return pictures.float() / 127.5 - 1 if pictures.dtype == torch.uint8 else pictures


def to_bytes(pictures: Tensor) -> Tensor:
    """Return -1..1 as bytes; what lies beyond is cut."""
    return ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
