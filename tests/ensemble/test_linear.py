"""The linear expert: a penalty for each source, as in banded ridge regression."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.cache import Encoded
from plait.ensemble.linear import LinearConfig, LinearExpert, balanced, scales
from plait.tasks.target import Target
from plait.types import Features, Modality


def made(kind: str, hidden: np.ndarray) -> tuple[Target, np.ndarray]:
    """Return a target that a hidden number decides, and its (n c) truth."""
    high, far = hidden > 0, hidden > 2
    match kind:
        case "regress":
            return Target.learn("y", Modality.NUMBER, hidden.tolist()), hidden[:, None]
        case "classify":
            words = np.where(high, "high", "low").tolist()
            truth = np.stack([high, ~high], axis=1)
            return Target.learn("y", Modality.CATEGORY, words), truth.astype(float)
    labels = [("far", "up") if f else ("up",) if h else () for f, h in zip(far, high, strict=True)]
    truth = np.stack([far, high], axis=1)
    return Target.learn("y", Modality.CATEGORIES, labels), truth.astype(float)


def test_a_scale_is_a_penalty_of_its_own() -> None:
    random = np.random.default_rng(0)
    matrix, widths, says = random.normal(size=(40, 5)), [2, 3], np.array([0.1, 4.0])
    matrix -= matrix.mean(axis=0)
    wanted = matrix @ np.array([1.0, -2.0, 0.5, 3.0, 0.0]) + random.normal(size=40)
    wanted -= wanted.mean()
    target = Target.learn("y", Modality.NUMBER, wanted.tolist())
    expert = LinearExpert(("a", "b"), target, LinearConfig())
    expert.strength, scale = 2.0, scales(says, widths)
    expert._solve_for(matrix * scale, wanted[:, None], np.ones(40), 0)
    units = target.scale.to_units(torch.from_numpy(wanted)).numpy()
    penalties = np.diag(np.repeat(10 / 2.0 / says, widths))
    closed = np.linalg.solve(matrix.T @ matrix + penalties, matrix.T @ (units - units.mean()))
    np.testing.assert_allclose(expert.weights[0] * scale, closed, rtol=1e-8)
    assert np.abs(closed - np.linalg.lstsq(matrix, units, rcond=None)[0]).max() > 0.05


def test_the_say_that_lowers_the_loss_is_taken() -> None:
    asked = []

    def loss(says: np.ndarray) -> float:
        asked.append(says.tolist())
        return float(np.square(np.log10(says) - [-1, 1, 0]).sum())

    assert balanced(loss, 3).tolist() == [0.1, 10.0, 1.0]
    assert len(asked) == 1 + 3 * 3
    assert balanced(loss, 1).tolist() == [1.0]
    assert balanced(lambda says: 100 + loss(says), 3).tolist() == [1.0] * 3  # hardly better: noise


@pytest.mark.parametrize("kind", ["regress", "classify", "multilabel"])
def test_many_numbers_of_one_source_do_not_drown_the_few_of_another(kind: str) -> None:
    random = np.random.default_rng(1)
    wide = random.normal(size=(300, 400)).astype(np.float32)
    few = random.normal(size=(300, 3)).astype(np.float32)
    hidden = few @ np.array([2.0, -1.0, 1.0]) + 0.1 * wide[:, 0] + 0.3 * random.normal(size=300)
    target, truth = made(kind, hidden)
    rows = Encoded({
        "photo": Features.of_vectors(torch.from_numpy(wide)),
        "table": Features.of_vectors(torch.from_numpy(few)),
    })  # fmt: skip
    learning, asked = np.arange(150), np.arange(150, 300)
    errors = []
    for config in (LinearConfig(strength=1.0), LinearConfig()):
        expert = LinearExpert(("photo", "table"), target, config)
        expert.fit(rows.take(learning), truth[learning], np.ones(150), 0)
        errors.append(float(np.square(expert.scores(rows.take(asked)) - truth[asked]).mean()))
    assert errors[1] < 0.6 * errors[0]


def test_a_strength_that_is_named_is_taken_for_all_sources() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(60, 6)).astype(np.float32)
    wanted = values @ np.arange(6.0) + random.normal(size=60)
    target = Target.learn("y", Modality.NUMBER, wanted.tolist())
    rows = Encoded({
        "a": Features.of_vectors(torch.from_numpy(values[:, :2])),
        "b": Features.of_vectors(torch.from_numpy(values[:, 2:])),
    })  # fmt: skip
    expert = LinearExpert(("a", "b"), target, LinearConfig(strength=5.0))
    expert.fit(rows, wanted[:, None], np.ones(60), 0)
    units = target.scale.to_units(torch.from_numpy(wanted)).numpy()
    centred = (values - values.mean(axis=0)).astype(np.float64)
    closed = np.linalg.solve(centred.T @ centred + 2 * np.eye(6), centred.T @ units)
    np.testing.assert_allclose(expert.weights[0], closed, rtol=1e-6, atol=1e-7)
