"""What moves the weights: AdamW, its rate over the steps, and a running average."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from plait.decoding.decoder import Decoder
from plait.encoders.encoder import Encoder
from plait.train.config import TrainConfig


def optimiser_of(
    network: nn.Module, config: TrainConfig, steps: int
) -> tuple[torch.optim.AdamW, LambdaLR]:
    """Return AdamW (Loshchilov and Hutter, ICLR 2019) and its rate over so many steps.

    Weights to which their encoder or decoder gives a rate of its own have that one, and not the
    settings'.
    """
    rates: dict[nn.Parameter, float] = {}
    for module in network.modules():
        rates |= module.rates() if isinstance(module, (Encoder, Decoder)) else {}
    groups: dict[float, list[nn.Parameter]] = {}
    for weight in network.parameters():
        if weight.requires_grad:
            groups.setdefault(rates.get(weight, config.learning_rate), []).append(weight)
    optimiser = torch.optim.AdamW(
        [{"params": weights, "lr": rate} for rate, weights in groups.items()],
        lr=config.learning_rate, weight_decay=config.weight_decay, fused=True,
    )  # fmt: skip
    warm_up = max(steps // 10, 1)

    def share(step: int) -> float:
        """Return the share of the highest rate: rising in a line, then falling as a cosine."""
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))

    return optimiser, LambdaLR(optimiser, share)


class Average:
    """A running average of a network's weights after step t: w' = d w' + (1 - d) w.

    d is at most (1 + t) / (10 + t), which lets it follow quickly at first, when the weights
    that it began with say nothing.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay, self.steps = network, decay, 0
        self.values = weights_of(network) if decay else {}

    def update(self) -> None:
        """Take in the weights after one step."""
        if not self.decay:
            return
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in _named(self.network):
            if value.is_floating_point():
                self.values[name].lerp_(value.detach(), 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the averaged weights, and give it back its own afterwards."""
        if not self.decay:
            yield
            return
        own = weights_of(self.network)
        put_weights(self.network, self.values)
        try:
            yield
        finally:
            put_weights(self.network, own)


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return copies of all parameters and buffers."""
    return {name: value.detach().clone() for name, value in _named(network)}


@torch.no_grad()
def put_weights(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Give the network the weights that `weights_of` returned."""
    for name, value in _named(network):
        value.copy_(weights[name])


def _named(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(network.named_parameters(), network.named_buffers())
