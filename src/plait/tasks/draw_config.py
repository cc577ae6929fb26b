"""Settings of what draws, where the target is a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plait.attention import require_heads
from plait.config import check_range
from plait.drawing.config import DrawingConfig
from plait.errors import ConfigError


@dataclass(frozen=True)
class DrawConfig:
    """Settings of drawing.

    Attributes:
        side: of the pictures, in pixels; they are squares.
        fit: how pictures of other shapes become squares: `crop` keeps the middle, `pad` keeps all
            on white.
        network: that draws: a diffusion Transformer, or a U-Net of diffusers.
        patch: pixels (or cells of latents) of a side that are one token of the Transformer.
        width: of the Transformer, or channels of the U-Net (half as many at its first size).
        layers: of the Transformer, or sizes of the U-Net, each half of the one before.
        heads: of attention.
        dropout: share of features dropped in training.
        unconditioned: share of rows that learn without inputs.
        autoencoder: of diffusers, in whose latents is drawn: its folder, or its name on the hub;
            empty draws pixels.
        samples: pictures of the growing sheet, at fixed seeds; 0 draws none.
        every: epochs between two rows of that sheet, the first time; the gaps grow.
        judged: most held-out rows that are drawn and judged.
        judge: encoder of images on whose vectors drawn pictures are compared with real ones.
        drawing: how pictures are drawn.
    """

    side: int = 32
    fit: Literal["crop", "pad"] = "crop"
    network: Literal["transformer", "unet"] = "transformer"
    patch: int = 4
    width: int = 128
    layers: int = 4
    heads: int = 4
    dropout: float = 0.0
    unconditioned: float = 0.1
    autoencoder: str = ""
    samples: int = 8
    every: int = 1
    judged: int = 256
    judge: str = "classical"
    drawing: DrawingConfig = field(default_factory=DrawingConfig)

    def __post_init__(self) -> None:
        check_range(self, "side", 8, 4096)
        check_range(self, "patch", 1, 64)
        check_range(self, "width", 8, 65536)
        check_range(self, "layers", 1, 100)
        check_range(self, "heads", 1, 1024)
        check_range(self, "dropout", 0.0, 0.9)
        check_range(self, "unconditioned", 0.0, 1.0)
        check_range(self, "samples", 0, 64)
        check_range(self, "every", 1, 100_000)
        check_range(self, "judged", 1, 100_000)
        require_heads(self.width, self.heads)
        if self.network == "unet":
            _require_channels(self.width)
        elif not self.autoencoder and self.side % self.patch:  # of latents, see `FlowTransformer`
            raise ConfigError(
                f"A side of {self.side} pixels does not divide into patches of {self.patch}; "
                "choose a side that is a multiple of it."
            )


def _require_channels(width: int) -> None:
    if width % 16:
        nearest = 16 * -(-width // 16)
        raise ConfigError(
            f"A U-Net's width is a multiple of 16, and {width} is none; choose {nearest}."
        )
