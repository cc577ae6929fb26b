"""Settings of how pictures are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plait.config import check_range

Sampler = Literal["euler", "heun"]


@dataclass(frozen=True)
class DrawingConfig:
    """Settings of how pictures are drawn.

    Attributes:
        steps: from noise to the picture.
        guidance: how far to go past what the inputs say, away from what is drawn without them (or
            from the negative ones): 1 goes by the inputs alone, 0 does not heed them.
        sampler: `euler` asks the network once a step, `heun` twice.
        strength: of editing a picture: the share of the way that is gone anew. 1 leaves nothing of
            it, near 0 nearly all.
        seed: of the noise of the first picture; each one after it has the next. A picture does not
            depend on which others are drawn with it.
        batch_size: pictures that are drawn at a time.
    """

    steps: int = 50
    guidance: float = 3.0
    sampler: Sampler = "euler"
    strength: float = 0.6
    seed: int = 0
    batch_size: int = 32

    def __post_init__(self) -> None:
        check_range(self, "steps", 1, 10_000)
        check_range(self, "guidance", 0.0, 1000.0)
        check_range(self, "strength", 0.001, 1.0)
        check_range(self, "seed", 0, 2**31 - 1)
        check_range(self, "batch_size", 1, 1_000_000)
