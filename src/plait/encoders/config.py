"""Which encoder reads which kind of source, and the settings of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plait.encoders.classical_image import ClassicalImageConfig
from plait.encoders.classical_series import SeriesConfig, VectorConfig
from plait.encoders.classical_sound import SoundConfig
from plait.encoders.classical_text import ClassicalTextConfig
from plait.encoders.classical_video import VideoConfig
from plait.encoders.trained import TrainedConfig
from plait.errors import ConfigError


@dataclass(frozen=True)
class EncoderConfig:
    """Settings of the encoders.

    Attributes:
        of_image: name of the encoder of pictures, in `plait.catalog.ENCODERS["image"]`.
        of_text: of texts.
        of_audio: of sounds.
        of_video: of videos.
        of_series: of series.
        of_vector: of vectors.
        of_table: of the tabular columns, for networks; trees read them as they are.
        image: settings of the classical image encoder.
        text: settings of the classical text encoder.
        sound: how sounds are heard.
        video: how videos are looked at.
        series: how series are read.
        vector: settings of the classical encoder of vectors.
        trained: settings of the encoders that are trained.
    """

    of_image: str = "classical"
    of_text: str = "classical"
    of_audio: str = "classical"
    of_video: str = "classical"
    of_series: str = "classical"
    of_vector: str = "classical"
    of_table: str = "classical"
    image: ClassicalImageConfig = field(default_factory=ClassicalImageConfig)
    text: ClassicalTextConfig = field(default_factory=ClassicalTextConfig)
    sound: SoundConfig = field(default_factory=SoundConfig)
    video: VideoConfig = field(default_factory=VideoConfig)
    series: SeriesConfig = field(default_factory=SeriesConfig)
    vector: VectorConfig = field(default_factory=VectorConfig)
    trained: TrainedConfig = field(default_factory=TrainedConfig)

    def name(self, kind: str) -> str:
        """Return the name of the encoder of a kind of source."""
        names = {
            "image": self.of_image,
            "text": self.of_text,
            "audio": self.of_audio,
            "video": self.of_video,
            "series": self.of_series,
            "vector": self.of_vector,
            "table": self.of_table,
        }
        return names[kind]


KINDS = ("image", "text", "audio", "video", "series", "vector", "table")
"""Of sources."""


CLASSICAL = EncoderConfig()
"""Frozen encoders for every kind of source."""

TRAINED = EncoderConfig(
    of_image="convolutional",
    of_text="transformer",
    of_audio="convolutional",
    of_video="transformer",
    of_series="transformer",
    of_vector="mlp",
    of_table="transformer",
)
"""An encoder that is trained for every kind of source."""


def choose_encoders(words: Sequence[str], base: EncoderConfig = CLASSICAL) -> EncoderConfig:
    """Return the settings with the encoders that are named.

    Args:
        words: `classical` or `trained` for all kinds of sources, or `kind=name` for one of them.
        base: all other settings.

    Raises:
        ConfigError: for a word that is neither.
    """
    for word in words:
        kind, equals, name = word.partition("=")
        if equals and kind in KINDS:
            only: dict[str, Any] = {f"of_{kind}": name}
            base = replace(base, **only)
        elif word in ("classical", "trained"):
            chosen = CLASSICAL if word == "classical" else TRAINED
            names: dict[str, Any] = {f"of_{kind}": chosen.name(kind) for kind in KINDS}
            base = replace(base, **names)
        else:
            kinds = ", ".join(f"{kind}=NAME" for kind in KINDS)
            raise ConfigError(f"Encoders are said as classical, trained, {kinds}; found {word!r}.")
    return base
