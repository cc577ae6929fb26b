"""The target: values to arrays and back, and tables that teach nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.errors import TableError
from plait.tasks.scale import Scale
from plait.tasks.target import Target, natural
from plait.types import Modality


def test_classes_there_and_back() -> None:
    target = Target.learn("y", Modality.CATEGORY, ["10", "2", "x", "2"])
    assert target.labels == ("2", "10", "x")
    assert target.prior == (0.5, 0.25, 0.25)
    encoded = target.encode(["x", "2", "new"])
    assert encoded.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert target.decode(encoded[:2]) == ["x", "2"]
    filled = target.fill(np.array([[np.nan] * 3, [0.1, 0.2, 0.7]]))
    assert filled.tolist() == [[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]


def test_labels_there_and_back() -> None:
    target = Target.learn("y", Modality.CATEGORIES, [("a", "b"), (), ("b",), ("b",)])
    assert target.prior == (0.25, 0.75)
    assert target.encode([("b", "new"), ()]).tolist() == [[0, 1], [0, 0]]
    assert target.decode(np.array([[0.5, 0.49], [0.1, 0.2]])) == [("a",), ()]


def test_numbers_there_and_back() -> None:
    target = Target.learn("y", Modality.NUMBER, [1.0, 3.0])
    assert (target.prior, target.spread, target.width) == ((2.0,), 1.0, 1)
    assert target.decode(target.encode([1e9 + 1])) == [1e9 + 1]


@pytest.mark.parametrize(
    ("modality", "values", "message"),
    [
        (Modality.CATEGORY, [], "No row has a value of target 'y' that can be read"),
        (Modality.NUMBER, [2.5, 2.5], "Target 'y' has the one value 2.5 in every row"),
        (Modality.CATEGORY, ["a", "a"], "Target 'y' has one class only, 'a'"),
        (Modality.CATEGORIES, [(), ()], "Target 'y' has no label in any row"),
    ],
)
def test_a_target_that_teaches_nothing_is_refused(modality, values, message) -> None:
    with pytest.raises(TableError, match=message):
        Target.learn("y", modality, values)


def test_labels_sort_as_people_do() -> None:
    labels = ["b", "10", "2", "nan", "-1", "inf", "1.5", "a"]
    expected = ["-1", "1.5", "2", "10", "a", "b", "inf", "nan"]
    assert sorted(labels, key=natural) == expected
    labels.reverse()
    assert sorted(labels, key=natural) == expected


@pytest.mark.parametrize(("values", "log"), [
    (np.random.default_rng(0).lognormal(3, 1, 300), True),
    (np.random.default_rng(0).normal(50, 3, 300), False),
    (-np.random.default_rng(0).lognormal(3, 1, 300), False),
    (np.random.default_rng(0).lognormal(3, 1, 300) * 1e120, True),
])  # fmt: skip
def test_units_have_mean_zero_and_spread_one_and_come_back(values, log) -> None:
    scale = Scale.learn(values)
    assert scale.log == log
    units = scale.to_units(torch.from_numpy(values))
    assert units.mean().item() == pytest.approx(0, abs=1e-6)
    assert units.std(unbiased=False).item() == pytest.approx(1)
    assert scale.from_units(units).numpy() == pytest.approx(values, rel=1e-6)


def test_units_of_a_logarithm_are_kept_within_what_was_seen() -> None:
    scale = Scale.learn(np.random.default_rng(0).lognormal(0, 1, 300))
    extremes = scale.from_units(torch.tensor([-1e3, 1e3], dtype=torch.float64))
    assert extremes.log()[0].item() == pytest.approx(scale.center + scale.spread * scale.low)
    assert extremes.log()[1].item() == pytest.approx(scale.center + scale.spread * scale.high)
    assert scale.to_units(torch.tensor([-5.0, 0.0])).tolist() == pytest.approx([scale.low] * 2)
