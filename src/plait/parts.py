"""All that a model is made of, and that its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.data.loader import Source
from plait.data.quality import Ledger
from plait.encoders.encoder import Encoder
from plait.ensemble.combine import Combiner
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import Entrant, trained_encoders
from plait.ensemble.expert import Expert
from plait.tasks.target import Target
from plait.types import Schema


@dataclass(frozen=True)
class Parts:
    """What a model is made of.

    Attributes:
        schema: of the table it learned from.
        target: what it predicts.
        sources: what it reads.
        entrant: the winner of the contest.
        members: the entrants that its experts were.
        encoders: frozen ones, by source; trained ones are part of their experts.
        experts: by name.
        combiner: of the experts; None when there is one.
        config: all settings.
        facts: plain JSON: board, data fingerprint, versions, scores.
        ledger: cells that could not be read while fitting.
    """

    schema: Schema
    target: Target
    sources: tuple[Source, ...]
    entrant: Entrant
    members: tuple[Entrant, ...]
    encoders: Mapping[str, Encoder]
    experts: Mapping[str, Expert]
    combiner: Combiner | None
    config: FitConfig
    facts: dict[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger, repr=False)

    @property
    def read(self) -> tuple[Source, ...]:
        """The sources that the members read."""
        names = {name for member in self.members for name in member.sources}
        return tuple(source for source in self.sources if source.name in names)

    @property
    def raw(self) -> tuple[str, ...]:
        """The sources that are read by encoders trained with their network."""
        config = self.config.encoders
        trained = (trained_encoders(member, self.read, config) for member in self.members)
        return tuple(dict.fromkeys(name for own in trained for name in own))
