"""Transfer: the trained encoders of one model are where another begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.data.loader import Source
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import raw_sources
from plait.ensemble.network_expert import NetworkExpert
from plait.errors import ModelError
from plait.parts import Parts

Start = Mapping[str, Mapping[str, Any]]
"""The state of an encoder, by source."""


def starts_of(model: Parts, sources: Sequence[Source], config: FitConfig) -> Start:
    """Return the states that trained encoders begin with, for sources of the same name.

    An encoder that was trained for its source alone is taken before one that had others beside it.

    Args:
        model: that was fitted before.
        sources: of the new table.
        config: of the new model.

    Raises:
        ModelError: when no encoder can be taken, or one was made with other settings.
    """
    wanted = raw_sources(sources, config.encoders)
    found: dict[str, Mapping[str, Any]] = {}
    experts = [e for e in model.experts.values() if isinstance(e, NetworkExpert)]
    for expert in sorted(experts, key=lambda e: len(e.sources)):
        assert expert.network is not None
        for name, encoder in expert.network.by_name.items():
            if name in wanted:
                found.setdefault(name, encoder.state_dict())
    if not found:
        there = raw_sources(model.read, model.config.encoders)
        raise ModelError(
            f"Nothing can be taken from the model to start with: it has trained encoders of "
            f"{list(there)}, and this one trains those of {list(wanted)}. Columns must have the "
            "same names, and encoders must be trained (--encoders trained)."
        )
    kinds = {source.name: source.kind for source in sources}
    for name in found:
        before, now = model.config.encoders, config.encoders
        named = before.name(kinds[name]), now.name(kinds[name])
        if named[0] != named[1] or before.trained != now.trained:
            raise ModelError(
                f"The encoder of {name!r} is {named[0]!r} with {before.trained} in the model to "
                f"start with, and {named[1]!r} with {now.trained} here; they must be the same."
            )
    return found
