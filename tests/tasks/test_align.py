"""The loss that draws groups together, of a batch by hand; what is missing, and what is alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from plait.contrastive import info_nce, late_cosines, sigmoid_pairs
from plait.errors import ConfigError
from plait.tasks.align import Align, AlignTaskConfig
from plait.types import Features

ROWS = 5


def joined(groups: int = 2, each: int = 1) -> Features:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(ROWS, groups * each, 4, generator=generator, dtype=torch.float64)
    source = torch.arange(groups).repeat_interleave(each).expand(ROWS, -1)
    features = Features.of_tokens(tokens, torch.ones(ROWS, groups * each, dtype=torch.bool))
    return Features(features.pooled, tokens, features.mask, source)


def names(*columns: list[float]) -> torch.Tensor:
    return torch.tensor(columns or [[float("nan")] * ROWS], dtype=torch.float64).T


def unit(values: torch.Tensor) -> np.ndarray:
    return (values / values.norm(dim=-1, keepdim=True)).numpy()


WEIGHT = torch.tensor([1.0, 2, 1, 0.5, 1], dtype=torch.float64)
NONE = torch.zeros(ROWS, ROWS, dtype=torch.bool)


def test_info_nce_both_ways() -> None:
    features, task = joined(), Align(2, AlignTaskConfig(temperature=0.1)).double()
    scores = unit(features.tokens[:, 0]) @ unit(features.tokens[:, 1]).T / 0.1
    forth = np.log(np.exp(scores).sum(axis=1)) - scores.diagonal()
    back = np.log(np.exp(scores).sum(axis=0)) - scores.diagonal()
    expected = ((forth + back) / 2 * WEIGHT.numpy()).sum() / WEIGHT.sum().item()
    assert task.loss(features, names(), WEIGHT).item() == pytest.approx(expected, abs=1e-6)


def test_frequent_values_are_no_worse_for_being_negatives_often() -> None:
    """By hand: each negative over how often it is expected, of rows not alike by other columns."""
    config = AlignTaskConfig(temperature=0.1, logq=True)
    features, task = joined(), Align(2, config).double()
    target = names([0, 1, 2, 3, 4], [0, 1, 0, 2, 1], [7, 7, 8, 9, 5])
    task.count(torch.cat([target, names([5, 6, 7], [1, 1, 3], [1, 2, 3])]))
    share = {0: np.full(8, 1 / 8), 1: np.array([2, 4, 1, 1]) / 8}
    cosines = unit(features.tokens[:, 0]) @ unit(features.tokens[:, 1]).T
    own = target.numpy()
    both = []
    for scores, found, asks in ((cosines / 0.1, 1, 0), (cosines.T / 0.1, 0, 1)):
        losses = []
        for row in range(ROWS):
            drawn = [own[row, asks] != own[j, asks] and own[row, 2] != own[j, 2]
                     for j in range(ROWS)]  # fmt: skip
            expected = {j: sum(drawn) * share[found][int(own[j, found])] for j in range(ROWS)}
            total = np.exp(scores[row, row]) + sum(
                np.exp(scores[row, j]) / expected[j]
                for j in range(ROWS) if drawn[j] and own[row, found] != own[j, found]
            )  # fmt: skip
            losses.append(np.log(total) - scores[row, row])
        both.append(losses)
    weight = WEIGHT.numpy()
    by_hand = (np.mean(both, axis=0) * weight).sum() / weight.sum()
    assert task.loss(features, target, WEIGHT).item() == pytest.approx(by_hand, abs=1e-6)
    plain = Align(2, AlignTaskConfig(temperature=0.1)).double()
    plain.count(target)
    assert abs(plain.loss(features, target, WEIGHT).item() - by_hand) > 0.1
    with pytest.raises(ConfigError, match="is one of the losses 'infonce' and 'filip'; 'siglip'"):
        AlignTaskConfig("siglip", logq=True)


def test_siglip_has_a_bias() -> None:
    features, task = joined(), Align(2, AlignTaskConfig("siglip", 0.1)).double()
    scores = torch.from_numpy(unit(features.tokens[:, 0]) @ unit(features.tokens[:, 1]).T)
    expected = (sigmoid_pairs(10 * scores - 10, NONE) * WEIGHT).sum() / WEIGHT.sum()
    assert task.loss(features, names(), WEIGHT).item() == pytest.approx(expected.item(), abs=1e-5)
    assert task.bias.requires_grad
    assert not Align(2, AlignTaskConfig()).bias.requires_grad


@pytest.mark.parametrize("pooled", [0.0, 0.3])
def test_filip_compares_tokens_and_what_they_are_pooled_to(pooled: float) -> None:
    config = AlignTaskConfig("filip", 0.1, pooled=pooled)
    features, task = joined(each=3), Align(2, config).double()
    left, right = features.tokens[:, :3], features.tokens[:, 3:]
    mask = torch.ones(ROWS, 3, dtype=torch.bool)
    ways = (late_cosines(left, mask, right, mask), late_cosines(right, mask, left, mask))
    losses = sum(info_nce(10 * way, NONE) for way in ways) / 2
    means = torch.from_numpy(unit(left.mean(dim=1)) @ unit(right.mean(dim=1)).T)
    losses += pooled * sum(info_nce(10 * way, NONE) for way in (means, means.T)) / 2
    expected = (losses * WEIGHT).sum() / WEIGHT.sum()
    assert task.loss(features, names(), WEIGHT).item() == pytest.approx(expected.item(), abs=1e-6)


def test_rows_of_the_same_name_are_no_negatives() -> None:
    features, task = joined(), Align(2, AlignTaskConfig(temperature=0.1)).double()
    alike = NONE.clone()
    alike[0, 1] = alike[1, 0] = alike[2, 4] = alike[4, 2] = True
    scores = torch.from_numpy(unit(features.tokens[:, 0]) @ unit(features.tokens[:, 1]).T) / 0.1
    losses = (info_nce(scores, alike) + info_nce(scores.T, alike)) / 2
    expected = (losses * WEIGHT).sum() / WEIGHT.sum()
    nan = float("nan")
    found = task.loss(features, names([7, 7, 8, nan, nan], [1, 2, 3, 4, 3]), WEIGHT)
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)


def test_rows_that_lack_a_group_take_no_part_in_its_pairs() -> None:
    features, task = joined(3), Align(3, AlignTaskConfig(temperature=0.1)).double()
    mask = features.mask.clone()
    mask[0, 1] = mask[1, 2] = False
    partly = Features(features.pooled, features.tokens, mask, features.source)
    total = 0.0
    for left, right, rows in ((0, 1, [1, 2, 3, 4]), (0, 2, [0, 2, 3, 4]), (1, 2, [2, 3, 4])):
        own = features.take(torch.tensor(rows))
        pair = Features(
            own.pooled, own.tokens[:, [left, right]], own.mask[:, :2], own.source[:, :2]
        )
        loss = Align(2, task.config).double().loss(pair, names()[rows], WEIGHT[rows])
        total += loss.item() * WEIGHT[rows].sum().item()
    count = sum(WEIGHT[rows].sum().item() for rows in ([1, 2, 3, 4], [0, 2, 3, 4], [2, 3, 4]))
    found = task.loss(partly, names(), WEIGHT).item()
    assert found == pytest.approx(total / count, abs=1e-6)
    vectors = task.predict(partly)
    assert vectors.shape == (ROWS, 3, 4)
    assert not vectors[0, 1].any()
    assert not vectors[1, 2].any()
    np.testing.assert_allclose(vectors[2:].norm(dim=2), 1, atol=1e-9)


def test_a_batch_without_a_pair_has_no_loss() -> None:
    features, task = joined(), Align(2, AlignTaskConfig()).double()
    alone = features.keep(torch.tensor([True, False, False, False, False]))
    assert task.loss(alone, names(), WEIGHT).item() == 0


def test_the_temperature_is_learned_and_bounded() -> None:
    task = Align(2, AlignTaskConfig(temperature=0.05))
    assert task.scale().item() == pytest.approx(20)
    task.log_scale.data.fill_(math.log(500))
    assert task.scale().item() == pytest.approx(100)


@pytest.mark.parametrize(
    "setting", [{"temperature": 0.0}, {"hardness": -1.0}, {"width": 1}, {"hidden": -1}]
)
def test_settings_out_of_range(setting: dict[str, float]) -> None:
    (name,) = setting
    with pytest.raises(ConfigError, match=f"Setting '{name}' must be between"):
        AlignTaskConfig(**setting)
