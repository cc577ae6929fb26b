"""The rate over the steps, and the running average of the weights."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from plait.train.config import TrainConfig
from plait.train.optimise import Average, optimiser_of, put_weights, weights_of


def test_learning_rate_rises_then_falls_as_a_cosine() -> None:
    optimiser, schedule = optimiser_of(nn.Linear(2, 2), TrainConfig(learning_rate=0.3), steps=40)
    rates = []
    for _ in range(40):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates[:4] == pytest.approx([0.075, 0.15, 0.225, 0.3])
    assert rates[22] == pytest.approx(0.15)
    assert all(a >= b for a, b in pairwise(rates[4:]))
    assert rates[-1] < 0.01


def test_the_average_follows_by_its_formula_and_gives_the_weights_back() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    average = Average(layer, 0.5)
    expected = layer.weight.detach().clone()
    for step in range(1, 8):
        with torch.no_grad():
            layer.weight.add_(torch.randn(2, 3))
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * layer.weight.detach()
    own = layer.weight.detach().clone()
    with average.in_place():
        assert torch.allclose(layer.weight, expected, atol=1e-6)
    assert torch.equal(layer.weight, own)


def test_without_a_decay_there_is_no_average() -> None:
    layer = nn.Linear(3, 2)
    average = Average(layer, 0.0)
    average.update()
    with average.in_place():
        assert average.values == {}


def test_weights_are_copies_and_can_be_put_back() -> None:
    layer = nn.BatchNorm1d(3)
    kept = weights_of(layer)
    layer(torch.randn(8, 3))
    assert not torch.equal(kept["running_mean"], layer.running_mean)
    put_weights(layer, kept)
    assert torch.equal(kept["running_mean"], layer.running_mean)
    assert set(kept) == {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
