"""Who takes part in a contest, and how each of them is built."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from plait.catalog import ENCODERS, FUSIONS
from plait.data.loader import Source
from plait.encoders.config import CLASSICAL, EncoderConfig
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.encoder import READS, Pretrained
from plait.encoders.pretrained.tuned import FineTuned
from plait.encoders.pretrained.weights import is_model_name
from plait.ensemble.combine import COMBINERS
from plait.ensemble.config import FitConfig
from plait.ensemble.expert import Expert
from plait.ensemble.linear import LinearExpert
from plait.ensemble.network_expert import NetworkExpert
from plait.ensemble.several import EachExpert
from plait.ensemble.trees import TreesExpert
from plait.ensemble.tuned_expert import TunedExpert
from plait.errors import ConfigError, unknown
from plait.tasks.target import Kind, Target

Level = Literal["single", "feature", "tensor", "representation", "interaction", "trees", "decision"]


@dataclass(frozen=True)
class Entrant:
    """One that takes part: an expert on some sources, or a combiner of other entrants.

    Attributes:
        name: shown on the board.
        level: where it combines; `single` does not.
        method: `network`, `tuned` (a network whose pretrained encoders are trained on), `linear`,
            `trees`, or a combiner's name.
        sources: what it reads.
        fusion: of a network.
        members: of a combiner, by name.
    """

    name: str
    level: Level
    method: str
    sources: tuple[str, ...]
    fusion: str = "concat"
    members: tuple[str, ...] = ()


SINGLE_METHOD = {
    "text": "linear", "audio": "linear", "video": "linear", "series": "linear",
    "vector": "linear", "table": "trees",
}  # fmt: skip
"""What reads a kind of source when it is alone and its encoder is frozen; else a network does."""

BY_STEPS = ("network", "tuned")
"""Methods that train a network."""

MANY = 1000
"""Rows from which perceptrons on pretrained vectors are worth their time: on 416 they were 0.24
of AUC behind a linear model, on 3,000 beside it."""


def line_up(
    sources: Sequence[Source],
    kinds: Collection[Kind],
    fusions: Sequence[str],
    combiners: Sequence[str],
    encoders: EncoderConfig = CLASSICAL,
    rows: int = 0,
) -> tuple[Entrant, ...]:
    """Return the entrants: every modality alone, fusions, trees on Features, combiners, the blend.

    Args:
        sources: of the table.
        kinds: of the targets; combiners that do not fit all of them are left out.
        fusions: names of fusions.
        combiners: names of combiners over the single modalities.
        encoders: which encoder reads what; linear models and trees read frozen Features only.
        rows: that there are; perceptrons on pretrained vectors are entered where they are many.

    Raises:
        ConfigError: when a name is not known.
    """
    for name in fusions:
        if name not in FUSIONS:
            raise ConfigError(unknown("Fusion", name, FUSIONS))
    for name in combiners:
        if name not in COMBINERS:
            raise ConfigError(unknown("Combiner", name, COMBINERS))
    singles = _singles(sources, encoders)
    everything = tuple(source.name for source in sources)
    several = len(singles) > 1
    # On vectors of large networks, a linear model over all is best on few rows, and perceptrons
    # that average themselves on more (MulTaBench, arXiv 2605.10616).
    built = [build_encoder(source, encoders) for source in sources]
    pretrained = several and any(isinstance(e, Pretrained) for e in built)
    pretrained = pretrained and not any(e.trained for e in built)
    if pretrained and rows >= MANY:
        fusions = list(dict.fromkeys([*fusions, "ensemble"]))
    if not several:
        combiners = []
    if len(sources) == 1:  # two columns of one modality may be compared, one has nothing to join
        fusions = ["concat"]
    taken = {(single.method, single.fusion, single.sources) for single in singles}
    experts = [
        *_linear_tables(singles),
        *(Entrant(name, FUSIONS[name].level, "network", everything, name) for name in fusions),
        Entrant("trees", "trees", "trees", tuple(frozen_encoders(sources, encoders))),
        *([Entrant("linear", "feature", "linear", everything)] if pretrained else []),
    ]
    if encoders.finetune.way != "none" and any(isinstance(e, Pretrained) for e in built):
        name = fusions[0]
        experts.append(Entrant("tuned", FUSIONS[name].level, "tuned", everything, name))
    experts = [e for e in experts if e.sources and (e.method, e.fusion, e.sources) not in taken]
    names = tuple(single.name for single in singles)
    decisions = [
        Entrant(name, "decision", name, everything, members=names)
        for name in combiners
        if set(kinds) <= set(COMBINERS[name].kinds) and name != "blend"
    ]
    blend_members = names + tuple(expert.name for expert in experts)
    blend = [Entrant("blend", "decision", "blend", everything, members=blend_members)]
    return (*singles, *experts, *decisions, *(blend if len(blend_members) > 1 else []))


def _singles(sources: Sequence[Source], encoders: EncoderConfig) -> list[Entrant]:
    kinds = dict.fromkeys(source.kind for source in sources)
    taken = {*FUSIONS, *COMBINERS, "trees", "linear", "tuned"}
    singles = []
    for kind in kinds:
        own = tuple(source.name for source in sources if source.kind == kind)
        name = own[0] if len(own) == 1 else f"{kind} ({len(own)} columns)"
        name = f"{name} alone" if name in taken else name
        method = _single_method(kind, encoders.name(kind))
        singles.append(Entrant(name, "single", method, own))
    return singles


def _linear_tables(singles: Sequence[Entrant]) -> list[Entrant]:
    """Return a linear model beside the trees of a table: on few rows it is often ahead of them."""
    return [
        replace(single, name=f"{single.name}, linear", method="linear")
        for single in singles if single.method == "trees"
    ]  # fmt: skip


def _single_method(kind: str, encoder: str) -> str:
    """Return what reads a kind of source when it is alone."""
    if kind == "table" or encoder == "classical":
        return SINGLE_METHOD.get(kind, "network")
    return "network" if encoder in ENCODERS[kind] else "linear"  # on a pretrained network's vectors


def build_expert(
    entrant: Entrant,
    target: Target,
    config: FitConfig,
    sources: Sequence[Source],
    start: Mapping[str, Mapping[str, Any]] | None = None,
) -> Expert:
    """Return the entrant's expert, not yet fitted; `start` is where trained encoders begin."""
    if target.parts and entrant.method not in BY_STEPS:
        each = [build_expert(entrant, part, config, sources, start) for part in target.parts]
        return EachExpert(entrant.sources, target, each)
    match entrant.method:
        case "linear":
            return LinearExpert(entrant.sources, target, config.linear)
        case "trees":
            return TreesExpert(entrant.sources, target, config.trees)
    trained = trained_encoders(entrant, sources, config.encoders)
    scratch = raw_sources(sources, config.encoders)
    from_scratch = {name: make for name, make in trained.items() if name in scratch}
    network = NetworkExpert(
        entrant.sources,
        target,
        entrant.fusion,
        config.fusion_settings,
        config.head,
        config.deep if from_scratch else config.train,
        from_scratch,
        start,
    )
    if entrant.method == "tuned":
        return TunedExpert(network, trained, config.encoders.finetune, config.tuned)
    return network


def trained_encoders(
    entrant: Entrant, sources: Sequence[Source], config: EncoderConfig
) -> dict[str, Callable[[], Encoder]]:
    """Return what makes the encoder of each source that an entrant trains with its network."""
    found: dict[str, Callable[[], Encoder]] = {}
    for source in sources:
        if source.name in entrant.sources and entrant.method in BY_STEPS:
            encoder = build_encoder(source, config)
            if encoder.trained:
                found[source.name] = partial(build_encoder, source, config)
            elif isinstance(encoder, Pretrained) and entrant.method == "tuned":
                found[source.name] = partial(FineTuned, encoder, config.finetune)
    return found


def build_encoder(source: Source, config: EncoderConfig) -> Encoder:
    """Return the source's encoder, not yet fitted.

    Raises:
        ConfigError: when the kind of source has no encoder of the name that is asked for.
    """
    choices, name = ENCODERS[source.kind], config.name(source.kind)
    if name in choices:
        return choices[name](source, config)
    if is_model_name(name) and source.kind in READS:
        frames, seconds = config.video.frames, config.sound.longest_seconds
        return Pretrained(source.kind, name, config.pretrained, frames, seconds)
    known = unknown(f"Encoder of {source.kind}", name, choices)
    more = " Or give a model's folder, or its name on the hub (owner/model)."
    raise ConfigError(known + (more if source.kind in READS else ""))


def frozen_encoders(sources: Sequence[Source], config: EncoderConfig) -> dict[str, Encoder]:
    """Return the encoders that are fitted before any expert, by source.

    A table has one even where its network's is trained: trees read its columns as they are.
    """
    found = {source.name: build_encoder(source, config) for source in sources}
    tables = {s.name: ENCODERS["table"]["classical"](s, config) for s in sources
              if s.kind == "table"}  # fmt: skip
    return {name: e for name, e in found.items() if not e.trained} | tables


def frozen_for(
    members: Sequence[Entrant], sources: Sequence[Source], config: EncoderConfig
) -> dict[str, Encoder]:
    """Return the frozen encoders whose Features any of the members reads, by source."""
    read = {
        name
        for member in members
        for name in set(member.sources) - trained_encoders(member, sources, config).keys()
    }
    return {name: e for name, e in frozen_encoders(sources, config).items() if name in read}


def raw_sources(sources: Sequence[Source], config: EncoderConfig) -> tuple[str, ...]:
    """Return the sources whose encoders are trained."""
    return tuple(s.name for s in sources if build_encoder(s, config).trained)
