"""Settings of segmenting, where the target is a mask."""

from __future__ import annotations

from dataclasses import dataclass

from plait.attention import require_heads
from plait.config import check_range
from plait.errors import ConfigError


@dataclass(frozen=True)
class SegmentConfig:
    """Settings of segmenting.

    Attributes:
        picture: the column whose pixels get classes, where several hold pictures.
        classes: a file of names, and perhaps colours, by value (`plait.data.pixel_classes`).
        void: values of pixels that do not count.
        side: height and width that pictures are brought to, in pixels; a multiple of 32.
        width: of the decoder.
        dropout: share of features dropped in training.
        modulate: let the joint vector scale and shift the decoder's cells (FiLM).
        layers: rounds in which the picture's coarsest cells read the words and are told what lies
            on their sides; 0 leaves them apart.
        heads: of that attention.
        dice: weight of the Dice loss beside the cross-entropy.
        boundary: weight of the boundary loss.
        presence: weight of the loss of whether anything is meant, where words say what is; 0 leaves
            that to the pixels.
        augment: mirror, enlarge and brighten pictures and their masks at random in training; where
            words are read, brighten alone, as a mirror would make them wrong.
        tile: side of the tiles, in pixels, that pictures are cut into, which overlap by a quarter;
            0 takes them whole.
        flip: predict the mirrored picture too, and take the mean.
    """

    picture: str = ""
    classes: str = ""
    void: tuple[int, ...] = ()
    side: int = 192
    width: int = 64
    dropout: float = 0.1
    modulate: bool = True
    layers: int = 1
    heads: int = 4
    dice: float = 1.0
    boundary: float = 0.2
    presence: float = 0.5
    augment: bool = True
    tile: int = 0
    flip: bool = False

    def __post_init__(self) -> None:
        check_range(self, "side", 32, 4096)
        check_range(self, "width", 8, 4096)
        check_range(self, "dropout", 0.0, 0.9)
        check_range(self, "layers", 0, 100)
        check_range(self, "heads", 1, 1024)
        check_range(self, "dice", 0.0, 100.0)
        check_range(self, "boundary", 0.0, 100.0)
        check_range(self, "presence", 0.0, 100.0)
        check_range(self, "tile", 0, 65536)
        if self.side % 32:
            raise ConfigError(f"Setting 'side' must be a multiple of 32, found {self.side}.")
        if self.width % 8:
            raise ConfigError(f"Setting 'width' must be a multiple of 8, found {self.width}.")
        if self.layers:
            require_heads(self.width, self.heads)
