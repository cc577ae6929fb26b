"""Which weights of a pretrained network learn, and how quickly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.depth import depths
from plait.encoders.pretrained.lora import HIGHER_RATE, adapt, layers_of, merge
from plait.encoders.pretrained.weights import quiet


@dataclass
class Adapted:
    """A network of which some weights learn.

    Attributes:
        network: itself; None where no weight does.
        rates: the highest learning rate of each weight that learns.
        changes: what `merge` takes, where low-rank changes learn in place of the weights.
        weights: those that these changes are added to.
    """

    network: Any = None
    rates: dict[nn.Parameter, float] = field(default_factory=dict)
    changes: Any = None
    weights: list[nn.Parameter] = field(default_factory=list)

    @classmethod
    def begin(
        cls, network: Any, parts: Sequence[Collection[str]], config: FineTuneConfig
    ) -> Adapted:
        """Let weights learn.

        Args:
            network: of which no weight learns yet.
            parts: names of the parameters that take part, of each of its towers.
            config: which of them learn.
        """
        every = set().union(*parts)
        if config.way == "none" or not every:
            return cls()
        if config.checkpointing:
            _checkpoint(network, "enable")
        if config.way == "lora":
            named = dict(network.named_parameters())
            weights = [named[f"{name}.weight"] for name in layers_of(network, every)]
            changes = adapt(network, every, config.rank)
            learn = (weight for weight in network.parameters() if weight.requires_grad)
            rates = dict.fromkeys(learn, config.rate * HIGHER_RATE)
            return cls(network, rates, changes, weights)
        depth: dict[str, int] = {}
        for part in parts:  # each tower has a top of its own
            for name, own in depths(network, part).items():
                depth[name] = min(own, depth.get(name, own))
        limit = config.layers if config.way == "last" else len(depth) + 1
        return cls(network, {
            parameter.requires_grad_(): config.rate * config.decay ** depth[name]
            for name, parameter in network.named_parameters()
            if depth.get(name, limit) < limit
        })  # fmt: skip

    def finish(self) -> None:
        """Merge what was learned beside the weights into them."""
        if self.changes is not None:
            merge(self.changes)
            self.changes = None
            for weight in self.weights:
                weight.requires_grad_()
        if self.network is not None:
            _checkpoint(self.network, "disable")


def _checkpoint(network: Any, what: str) -> None:
    """Let a network compute what lies between its layers twice, or no longer, where it can."""
    if network.supports_gradient_checkpointing:
        network.config.use_cache = False
        switch = getattr(network, f"activation_checkpointing_{what}", None)
        with quiet():
            (switch or getattr(network, f"gradient_checkpointing_{what}"))()
