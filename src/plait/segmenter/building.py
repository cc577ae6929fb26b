"""The network that segments: encoders, one of which keeps its maps, a fusion, a decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plait.data.loader import Source
from plait.data.pixel_classes import PixelClasses
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.pyramid import PretrainedPyramid
from plait.encoders.pyramid import Pyramid, ResidualPyramid
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import build_encoder
from plait.errors import ColumnError, ConfigError, did_you_mean
from plait.making import reading
from plait.network import Network
from plait.tasks.mask_decoder import MaskDecoder
from plait.tasks.segment import Segment


def ready(config: FitConfig, preset: str) -> FitConfig:
    """Return the settings with the preset's encoders; where none is named, words keep their order.

    Raises:
        ConfigError: for a preset or a fusion that does not exist.
    """
    named = config.encoders
    if preset == "quick" and not named.of_text:
        named = replace(named, of_text="transformer")
    return reading.ready(replace(config, encoders=named), preset)


@dataclass(frozen=True)
class Build:
    """What reads the sources, before anything is learned.

    Attributes:
        frozen: encoders that stay as they are, by source.
        trained: encoders that are trained with the network, by source.
        picture: the source whose pixels get classes.
    """

    frozen: dict[str, Encoder]
    trained: dict[str, Encoder]
    picture: str

    @property
    def encoders(self) -> dict[str, Encoder]:
        """All of them."""
        return self.frozen | self.trained


def build(sources: Sequence[Source], config: FitConfig) -> Build:
    """Return new encoders.

    Raises:
        ColumnError: when there is no picture, or several of which none is named.
        ModelError: when a model cannot be read.
    """
    picture = picture_of(sources, config.segment.picture)
    made = {s.name: build_encoder(s, config.encoders) for s in sources if s.name != picture}
    frozen = {name: encoder for name, encoder in made.items() if not encoder.trained}
    trained = {name: encoder for name, encoder in made.items() if encoder.trained}
    return Build(frozen, {picture: _pyramid(config)} | trained, picture)


def picture_of(sources: Sequence[Source], named: str) -> str:
    """Return the source whose pixels get classes.

    Raises:
        ColumnError: when there is none, or several of which none is named.
    """
    pictures = [source.name for source in sources if source.kind == "image"]
    if named and named not in pictures:
        hint = did_you_mean(named, pictures)
        raise ColumnError(f"Column {named!r} is not a picture that is read.{hint}")
    if not pictures:
        raise ColumnError("A mask is of a picture, and no column that is read holds pictures.")
    if len(pictures) > 1 and not named:
        raise ColumnError(
            f"Masks are of one picture, and columns {', '.join(map(repr, pictures))} are: say "
            "which (segment.picture, --picture), or leave the others out (--ignore)."
        )
    return named or pictures[0]


def _pyramid(config: FitConfig) -> Pyramid:
    name, own = config.encoders.name("image"), config.segment
    if name in ("classical", "convolutional"):
        trained = replace(config.encoders.trained, layers=max(config.encoders.trained.layers, 1))
        return ResidualPyramid(own.side, trained)
    if name == "transformer":
        raise ConfigError(
            "A Transformer from scratch leaves no maps that masks can be made from; use "
            "image=convolutional, or a pretrained model by its folder or name."
        )
    width = config.encoders.trained.width
    return PretrainedPyramid(name, own.side, width, config.encoders.finetune)


def tells_phrases(classes: PixelClasses, sources: Sequence[Source]) -> bool:
    """Return whether words say what is meant: a text is read, and a pixel is meant or not."""
    binary = len(classes) == 2 and classes.values[0] == 0
    return binary and any(source.kind == "text" for source in sources)


def network_of(
    widths: Mapping[str, int],
    made: Build,
    classes: PixelClasses,
    sources: Sequence[Source],
    config: FitConfig,
) -> Network:
    """Return the network.

    Args:
        widths: of the Features of every source.
        made: the encoders, of which the trained ones become part of it.
        classes: that a pixel may have.
        sources: that are read.
        config: all settings.
    """
    fusion = reading.fusion_of(widths, config)
    pyramid = made.trained[made.picture]
    assert isinstance(pyramid, Pyramid)
    number = sorted(widths).index(made.picture)
    asks = tells_phrases(classes, sources) and config.segment.presence > 0
    decoder = MaskDecoder(
        fusion.width, pyramid.widths, number, len(classes), config.segment, pyramid.finest, asks
    )
    ordered = {name: made.trained[name] for name in sorted(made.trained)}
    return Network(ordered, fusion, Segment(decoder, config.segment))
