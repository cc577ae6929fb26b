"""Which encoder reads which kind of source, and the settings of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from plait.encoders.classical_image import ClassicalImageConfig
from plait.encoders.classical_series import SeriesConfig, VectorConfig
from plait.encoders.classical_sound import SoundConfig
from plait.encoders.classical_text import ClassicalTextConfig
from plait.encoders.classical_video import VideoConfig
from plait.encoders.pretrained.config import (
    DEFAULTS,
    WAYS,
    FineTuneConfig,
    PretrainedConfig,
    Way,
)
from plait.encoders.trained import TrainedConfig
from plait.errors import ConfigError, unknown


@dataclass(frozen=True)
class EncoderConfig:
    """Settings of the encoders.

    An encoder is one of `plait.catalog.ENCODERS`, or a pretrained model: a folder, or a name on the
    Hugging Face hub. Where none is named, it is the preset's.

    Attributes:
        of_image: the encoder of pictures.
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
        pretrained: settings of the encoders on pretrained networks.
        finetune: how these networks are trained on, if they are.
    """

    of_image: str = ""
    of_text: str = ""
    of_audio: str = ""
    of_video: str = ""
    of_series: str = ""
    of_vector: str = ""
    of_table: str = ""
    image: ClassicalImageConfig = field(default_factory=ClassicalImageConfig)
    text: ClassicalTextConfig = field(default_factory=ClassicalTextConfig)
    sound: SoundConfig = field(default_factory=SoundConfig)
    video: VideoConfig = field(default_factory=VideoConfig)
    series: SeriesConfig = field(default_factory=SeriesConfig)
    vector: VectorConfig = field(default_factory=VectorConfig)
    trained: TrainedConfig = field(default_factory=TrainedConfig)
    pretrained: PretrainedConfig = field(default_factory=PretrainedConfig)
    finetune: FineTuneConfig = field(default_factory=FineTuneConfig)

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
        return names[kind] or "classical"

    def or_else(self, other: EncoderConfig) -> EncoderConfig:
        """Return the settings, with another's encoder for each kind that none is named for."""
        own = {f"of_{kind}": getattr(self, f"of_{kind}") or other.name(kind) for kind in KINDS}
        named: dict[str, Any] = own
        return replace(self, **named)


KINDS = ("image", "text", "audio", "video", "series", "vector", "table")
"""Of sources."""


CLASSICAL = EncoderConfig().or_else(EncoderConfig())
"""Frozen encoders for every kind of source, that need no download."""

STANDARD = replace(
    CLASSICAL,
    of_image=DEFAULTS["image"].name,
    of_text=DEFAULTS["text"].name,
    of_audio=DEFAULTS["audio"].name,
    of_video=DEFAULTS["video"].name,
)
"""Pretrained networks, frozen, for every kind of source that there are such for."""

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


ALL = {"classical": CLASSICAL, "trained": TRAINED, "pretrained": STANDARD}
"""Encoders for all kinds of sources, by the word for them."""


def choose_encoders(words: Sequence[str], base: EncoderConfig | None = None) -> EncoderConfig:
    """Return the settings with the encoders that are named.

    Args:
        words: `classical`, `trained` or `pretrained` for all kinds of sources, or `kind=name` for
            one of them.
        base: all other settings.

    Raises:
        ConfigError: for a word that is neither.
    """
    base = base or EncoderConfig()
    for word in words:
        kind, equals, name = word.partition("=")
        if equals and kind in KINDS:
            only: dict[str, Any] = {f"of_{kind}": name}
            base = replace(base, **only)
        elif word in ALL:
            chosen = ALL[word]
            names: dict[str, Any] = {f"of_{kind}": chosen.name(kind) for kind in KINDS}
            base = replace(base, **names)
        else:
            kinds = ", ".join(f"{kind}=NAME" for kind in KINDS)
            raise ConfigError(f"Encoders are said as {', '.join(ALL)}, {kinds}; found {word!r}.")
    return base


def fine_tuned(config: EncoderConfig, way: str) -> EncoderConfig:
    """Return the settings with pretrained networks that are trained on.

    Args:
        config: all other settings.
        way: of `plait.encoders.pretrained.config.Way`.

    Raises:
        ConfigError: for another word.
    """
    if way not in WAYS:
        raise ConfigError(unknown("Way of fine-tuning", way, WAYS))
    return replace(config, finetune=replace(config.finetune, way=cast(Way, way)))
