"""The network that writes: encoders, a fusion that keeps tokens, a decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plait.data.loader import Source
from plait.decoding.decoder import Decoder
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.prompt import Prompt
from plait.encoders.pretrained.seen import Seen
from plait.encoders.pretrained.weights import find_model
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import build_encoder
from plait.errors import ConfigError
from plait.fusion.fusion import Fusion
from plait.fusion.in_order import InOrder
from plait.making.reading import fusion_of
from plait.network import Network
from plait.subwords import Vocabulary
from plait.tasks.language_model import LanguageModel, load_language_model
from plait.tasks.several import Several
from plait.tasks.target import Target
from plait.tasks.task import Objective
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.tasks.write import Write
from plait.tasks.write_beside import WriteBeside, writes


@dataclass(frozen=True)
class Build:
    """What reads the sources, before anything is learned.

    Attributes:
        frozen: encoders that stay as they are, by source.
        trained: encoders that are trained with the network, by source.
        language_model: that writes; None for a decoder from scratch.
    """

    frozen: dict[str, Encoder]
    trained: dict[str, Encoder]
    language_model: LanguageModel | None

    @property
    def encoders(self) -> dict[str, Encoder]:
        """All of them."""
        return self.frozen | self.trained


def build(sources: Sequence[Source], config: FitConfig) -> Build:
    """Return new encoders; a language model reads texts and tables itself.

    Raises:
        ConfigError: when a model that learns nothing cannot read one of the sources.
        ModelError: when a model cannot be read.
    """
    own, model = config.write, None
    if own.language_model:
        model = load_language_model(own.language_model, own.instruction, own.tuning)
    read = {} if model is None else _read_by(model, sources, config)
    made = {s.name: read.get(s.name) or build_encoder(s, config.encoders) for s in sources}
    unread = [name for name in made if name not in read]
    if own.as_is and unread:
        raise ConfigError(
            f"{own.language_model!r} cannot read column {unread[0]!r} as it is; leave the column "
            "out (--ignore), name a model that sees, or let it learn (without as_is)."
        )
    frozen = {name: encoder for name, encoder in made.items() if not encoder.trained}
    return Build(frozen, {name: made[name] for name in made.keys() - frozen.keys()}, model)


def _read_by(
    model: LanguageModel, sources: Sequence[Source], config: FitConfig
) -> dict[str, Encoder]:
    """Return the encoders of what a language model reads itself: words, and pictures if it sees."""
    found: dict[str, Encoder] = {}
    between = model.vocabulary.control(model.template.between)
    words = sorted(source.name for source in sources if source.kind in ("text", "table"))
    for source in sources:
        if source.name in words:
            lead = between if source.name == words[0] else []  # which is read first, see `InOrder`
            found[source.name] = Prompt(
                source.columns, model.vocabulary, model.vectors, config.write.longest_prompt, lead
            )
        elif source.kind == "image" and model.sees:
            folder = find_model(config.write.language_model)
            found[source.name] = Seen(folder, model.backbone, model.width, *model.marks)
    return found


def network_of(
    widths: Mapping[str, int],
    made: Build,
    vocabulary: Vocabulary,
    length: float,
    config: FitConfig,
    others: Target | None = None,
) -> Network:
    """Return the network.

    Args:
        widths: of the Features of every source.
        made: the encoders, of which the trained ones become part of it.
        vocabulary: that it writes in.
        length: typical tokens of a text.
        config: all settings.
        others: targets beside the text.
    """
    own, model = config.write, made.language_model
    fusion: Fusion
    decoder: Decoder
    if model is not None:
        trained = made.trained.items()
        words = [name for name, encoder in trained if isinstance(encoder, Prompt)]
        known = [name for name, encoder in trained if isinstance(encoder, (Prompt, Seen))]
        fusion = InOrder(widths, model.width, words, known, config.fusion_settings)
        decoder = model
    else:
        fusion = fusion_of(widths, config)
        decoder = TransformerDecoder(
            fusion.width, len(vocabulary), vocabulary.begin, vocabulary.end, own.width,
            own.layers, own.heads, own.dropout,
        )  # fmt: skip
    ordered = {name: made.trained[name] for name in sorted(made.trained)}
    task: Objective = Write(decoder, own.smoothing, length, own.longest)
    if others is not None:
        task = WriteBeside(writes(task), Several(fusion.width, others, config.head))
    return Network(ordered, fusion, task)
