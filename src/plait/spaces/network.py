"""The network of a space: encoders, a tower for each group of columns, and the loss of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plait.catalog import FUSIONS
from plait.data.histories import HistoryColumn
from plait.encoders.encoder import Encoder
from plait.ensemble.entrants import build_encoder
from plait.fusion.towers import SideBySide, Towers
from plait.grouping import Groups
from plait.network import Network
from plait.spaces.config import AlignConfig
from plait.spaces.histories import KIND, history_encoders
from plait.tasks.align import Align


def built(groups: Groups, config: AlignConfig) -> tuple[dict[str, Encoder], dict[str, Encoder]]:
    """Return the encoders that are frozen, and those that are trained, by source.

    Those of histories are of the network, whose towers they read by; see `towers_of`.
    """
    made = {s.name: build_encoder(s, config.encoders) for own in groups.values() for s in own
            if s.kind != KIND}  # fmt: skip
    frozen = {name: encoder for name, encoder in made.items() if not encoder.trained}
    return frozen, {name: made[name] for name in made.keys() - frozen.keys()}


def towers_of(
    groups: Groups,
    widths: Mapping[str, int],
    trained: Mapping[str, Encoder],
    config: AlignConfig,
    histories: Sequence[HistoryColumn] = (),
) -> Network:
    """Return the network: a fusion for each group, their maps into the space, and the loss."""
    settings, task = config.fusion_settings, config.task
    late = task.loss == "filip"
    fusion = SideBySide if late and config.fusion == "concat" else FUSIONS[config.fusion]
    fusions = [
        fusion({source.name: widths[source.name] for source in own}, settings)
        for own in groups.values()
    ]
    # Noise keeps pairs from being learned by heart, and hides what a history says of an order.
    noise = [0.0 if any(source.kind == KIND for source in own) else task.noise
             for own in groups.values()]  # fmt: skip
    towers = Towers(fusions, task.width, task.hidden, settings, noise, late)
    encoders = {**trained, **history_encoders(towers, groups, histories, config.history)}
    ordered = {name: encoders[name] for name in sorted(encoders)}
    return Network(ordered, towers, Align(len(groups), task))
