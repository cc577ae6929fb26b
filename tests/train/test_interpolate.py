"""The best weights of a line, worked out by hand."""

from __future__ import annotations

import torch

from plait.train.interpolate import SHARES, interpolate
from plait.train.optimise import weights_of


def line(lowest: float) -> tuple[torch.nn.Module, dict[float, float]]:
    """Return a network whose weight went from 1 to 3, of which `lowest` is the best."""
    network = torch.nn.BatchNorm1d(1)
    torch.nn.init.constant_(network.weight, 1.0)
    start = weights_of(network)
    torch.nn.init.constant_(network.weight, 3.0)
    network.num_batches_tracked += 7
    return network, interpolate(
        network, start, lambda: abs(network.weight.item() - lowest)
    )  # fmt: skip


def test_the_lowest_cost_is_kept() -> None:
    network, costs = line(2.4)
    assert tuple(costs) == SHARES
    for share, cost in costs.items():
        assert abs(cost - abs(1 + 2 * share - 2.4)) < 1e-6
    assert network.weight.item() == 2.5  # a share of 0.75
    assert int(network.num_batches_tracked) == 7  # counts are not mixed


def test_either_end_may_win() -> None:
    assert line(0.0)[0].weight.item() == 1.0
    assert line(9.0)[0].weight.item() == 3.0


def test_without_a_cost_nothing_is_changed_back_and_forth() -> None:
    """No rows held out: the frozen weights are kept."""
    assert line(float("nan"))[0].weight.item() == 1.0
