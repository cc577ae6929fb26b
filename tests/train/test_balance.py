"""Balance between classes by weights, and between modalities by gradients."""

from __future__ import annotations

import math

import pytest
import torch
from small_network import made

from plait.train.balance import alone, balancing_weights, modulate, modulation
from plait.train.config import TrainConfig


def test_every_class_weighs_the_same() -> None:
    target = torch.nn.functional.one_hot(torch.tensor([0] * 6 + [1] * 3 + [2]), 3).float()
    weights = balancing_weights(target)
    assert weights.mean().item() == pytest.approx(1)
    sums = target.T @ weights
    assert sums.tolist() == pytest.approx([10 / 3] * 3)


def test_a_row_of_several_labels_counts_for_the_rarest() -> None:
    target = torch.tensor([[1, 0], [1, 0], [1, 1], [0, 0]]).float()
    weights = balancing_weights(target)
    assert weights.tolist() == pytest.approx([w * 4 / (8 / 3) for w in (1 / 3, 1 / 3, 1, 1)])


def test_alone_is_the_probability_of_the_truth_from_one_source() -> None:
    network, raw, target = made()
    with torch.no_grad():
        features = network.encode(raw)
        found = alone(network, features, target)
        weight, bias = network.task.head.weight, network.task.head.bias
        for name, columns, presence in (("a", slice(0, 3), 6), ("b", slice(3, 6), 7)):
            # The columns of the other source are zeros; the last two say which are present.
            scores = features[name].pooled @ weight[:, columns].T + weight[:, presence] + bias
            truth = scores.softmax(dim=1)[target.bool()][features[name].present]
            assert found[name] == pytest.approx(float(truth.sum()), rel=1e-5)


def test_modulation_by_its_formula() -> None:
    assert modulation({"a": 6.0, "b": 2.0}, 0.5) == {"a": 1 - math.tanh(1.5), "b": 1.0}
    three = modulation({"a": 6.0, "b": 2.0, "c": 4.0}, 0.1)
    assert three == pytest.approx({"a": 1 - math.tanh(0.2), "b": 1.0, "c": 1.0})
    assert modulation({"a": 2.0, "b": 2.0}, 0.1) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize("noise", [False, True])
def test_only_the_encoder_that_is_ahead_is_held_back(noise) -> None:
    network, raw, target = made()
    network.loss(network.encode(raw), target, torch.ones(20)).backward()
    before = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
    config = TrainConfig(modulation=0.5, noise=noise)
    factors = modulate(network, {"a": 9.0, "b": 3.0}, config, torch.Generator().manual_seed(0))
    assert factors == {"a": 1 - math.tanh(1.5), "b": 1.0}
    for name, parameter in network.named_parameters():
        if name not in before:
            continue
        held_back = name.startswith("encoders.0.")
        expected = before[name] * (factors["a"] if held_back else 1.0)
        if noise and held_back:
            assert not torch.allclose(parameter.grad, expected)
            spread = (parameter.grad - expected).std() / expected.std()
            assert 0.3 < float(spread) < 3
        else:
            assert torch.allclose(parameter.grad, expected)
