"""All that a space is made of, and that its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.data.loader import Source
from plait.data.quality import Ledger
from plait.encoders.encoder import Encoder
from plait.errors import ConfigError, unknown
from plait.grouping import Groups
from plait.network import Network
from plait.spaces.config import AlignConfig
from plait.spaces.histories import Items
from plait.types import Schema


@dataclass(frozen=True)
class SpaceParts:
    """What a space is made of.

    Attributes:
        schema: of the table it learned from.
        groups: what is read of each group.
        encoders: frozen ones, by source.
        network: the towers, and the encoders that are trained with them.
        config: all settings.
        facts: plain JSON: scores of held-out rows, data fingerprint, versions.
        ledger: cells that could not be read while learning.
        items: what histories may name, by history.
    """

    schema: Schema
    groups: Groups
    encoders: Mapping[str, Encoder]
    network: Network
    config: AlignConfig
    facts: dict[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger, repr=False)
    items: Mapping[str, Items] = field(default_factory=dict, repr=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of all groups."""
        return tuple(source for own in self.groups.values() for source in own)

    def require(self, group: str) -> tuple[Source, ...]:
        """Return what is read of a group.

        Raises:
            ConfigError: when there is none of that name.
        """
        if group not in self.groups:
            raise ConfigError(unknown("Group of columns", group, self.groups))
        return self.groups[group]
