"""Which encoder reads which kind of source, and the settings of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plait.encoders.classical_image import ClassicalImageConfig
from plait.encoders.classical_text import ClassicalTextConfig
from plait.encoders.trained import TrainedConfig
from plait.errors import ConfigError


@dataclass(frozen=True)
class EncoderConfig:
    """Settings of the encoders.

    Attributes:
        of_image: name of the encoder of pictures, in `plait.catalog.ENCODERS["image"]`.
        of_text: of texts.
        of_table: of the tabular columns, for networks; trees read them as they are.
        image: settings of the classical image encoder.
        text: settings of the classical text encoder.
        trained: settings of the encoders that are trained.
    """

    of_image: str = "classical"
    of_text: str = "classical"
    of_table: str = "classical"
    image: ClassicalImageConfig = field(default_factory=ClassicalImageConfig)
    text: ClassicalTextConfig = field(default_factory=ClassicalTextConfig)
    trained: TrainedConfig = field(default_factory=TrainedConfig)

    def name(self, kind: str) -> str:
        """Return the name of the encoder of a kind of source."""
        return {"image": self.of_image, "text": self.of_text, "table": self.of_table}[kind]


KINDS = ("image", "text", "table")
"""Of sources."""


CLASSICAL = EncoderConfig()
"""Frozen encoders for every kind of source."""

TRAINED = EncoderConfig("convolutional", "transformer", "transformer")
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
