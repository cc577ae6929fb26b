"""Between two states of a network: the best of the line that joins their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from plait.train.optimise import put_weights, weights_of

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the later weights, that are tried."""


@torch.no_grad()
def interpolate(
    network: nn.Module, start: Mapping[str, Tensor], cost: Callable[[], float]
) -> dict[float, float]:
    """Give a network the weights (1 - a) start + a end of the lowest cost; end is what it has now.

    A network that was trained on is often better, and on rows of another kind nearly always, some
    way back towards where it began (Wortsman and others, WiSE-FT, CVPR 2022, section 3).

    Args:
        network: that was trained on.
        start: its weights before, as `weights_of` gives them.
        cost: of the weights that the network has when it is called; lower is better.

    Returns:
        The cost of each share a; the first of the lowest is what the network keeps.
    """
    end = weights_of(network)

    def put(share: float) -> None:
        put_weights(network, {
            name: start[name].lerp(value, share) if value.is_floating_point() else value
            for name, value in end.items()
        })  # fmt: skip

    costs = {}
    for share in SHARES:
        put(share)
        costs[share] = cost()
    put(min(costs, key=costs.__getitem__))
    return costs
