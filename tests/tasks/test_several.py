"""Several targets: their truth and scores side by side, and how their losses are weighed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.catalog import TASKS
from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.network import Network
from plait.tasks.several import Several
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.train.step import Lesson
from plait.types import Features, Modality

RNG = np.random.default_rng(0)
N = 240
X = torch.from_numpy(RNG.normal(size=(N, 6))).float()
SIGNAL = X[:, 0].numpy() - 0.5 * X[:, 1].numpy()
OTHER = X[:, 2].numpy() + 0.3 * RNG.normal(size=N)
CLASSES = [("low", "mid", "high")[int(s > -0.5) + int(s > 0.5)] for s in SIGNAL]
PRICES = [float(np.exp(3 + s)) for s in OTHER]
LABELS = [tuple(n for n, yes in (("up", s > 0), ("far", abs(s) > 1)) if yes) for s in SIGNAL]
VALUES = [
    (None if row % 3 == 0 else c, None if row % 4 == 1 else p, None if row % 5 == 2 else labels)
    for row, (c, p, labels) in enumerate(zip(CLASSES, PRICES, LABELS, strict=True))
]


def target() -> Target:
    kinds = (Modality.CATEGORY, Modality.NUMBER, Modality.CATEGORIES)
    return Target.together([
        Target.learn(name, kind, [v[i] for v in VALUES if v[i] is not None])
        for i, (name, kind) in enumerate(zip(("level", "price", "tags"), kinds, strict=True))
    ])  # fmt: skip


def task(**settings) -> Several:
    torch.manual_seed(0)
    built = TASKS["several"](6, target(), HeadConfig(**settings))
    for parameter in built.head.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built.eval()


def rows(values: torch.Tensor = X) -> Features:
    return Features.from_pooled(values, torch.ones(len(values), dtype=torch.bool))


def test_truth_and_values_side_by_side() -> None:
    found = target()
    assert (found.name, found.kind, found.width) == ("level, price, tags", "several", 6)
    assert [(part.name, own.start, own.stop) for part, own in found.each] == [
        ("level", 0, 3), ("price", 3, 4), ("tags", 4, 6)
    ]  # fmt: skip
    assert found.kinds == {"classify", "regress", "multilabel"}
    truth = found.encode(VALUES)
    assert truth.shape == (N, 6)
    assert truth.dtype == np.float64
    for place, (part, own) in enumerate(found.each):
        known = [value[place] is not None for value in VALUES]
        assert np.array_equal(~np.isnan(truth[:, own]).any(axis=1), known)
        own_values = [value[place] for value in VALUES if value[place] is not None]
        assert np.array_equal(truth[known][:, own], part.encode(own_values))
    guessed = found.guess(truth)
    assert not np.isnan(guessed).any()
    assert np.array_equal(guessed[~np.isnan(truth)], truth[~np.isnan(truth)])
    assert guessed[0, :3] == pytest.approx(found.parts[0].prior)
    whole = [row for row, value in enumerate(VALUES) if None not in value]
    decoded = found.decode(truth[whole])
    assert [(c, tuple(sorted(labels))) for c, _, labels in decoded] == [
        (VALUES[row][0], tuple(sorted(VALUES[row][2]))) for row in whole
    ]
    assert [price for _, price, _ in decoded] == pytest.approx([VALUES[row][1] for row in whole])


@pytest.mark.parametrize("weighting", ["uncertainty", "equal"])
def test_the_loss_by_hand(weighting) -> None:
    built = task(weighting=weighting)
    logs = torch.tensor([0.5, -1.0, 2.0])
    with torch.no_grad():
        built.log_variances.copy_(logs)
    truth = torch.from_numpy(built.target.encode(VALUES))[:9]
    scores = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
    expected = torch.zeros(9)
    scale = built.target.parts[1].scale
    for row in range(9):
        level, price, tags = VALUES[row]
        if level is not None:
            place = built.target.parts[0].labels.index(level)
            cost = -scores[row, :3].log_softmax(dim=0)[place]
            expected[row] += (-logs[0]).exp() * cost + logs[0] / 2
        if price is not None:
            unit = (np.log(price) - scale.center) / scale.spread
            # The task's own squared error: see test_losses.
            cost = TASKS["regress"](6, built.target.parts[1], HeadConfig()).row_losses(
                scores[row : row + 1, 3:4], truth[row : row + 1, 3:4]
            )[0]
            assert cost.item() / (scores[row, 3].item() - unit) ** 2 in (
                pytest.approx(1, rel=1e-4), pytest.approx(0.5, rel=1e-4)
            )  # fmt: skip
            expected[row] += (-logs[1]).exp() * cost + logs[1] / 2
        if tags is not None:
            p = scores[row, 4:].sigmoid()
            said = truth[row, 4:].float()
            cost = -(said * p.log() + (1 - said) * (1 - p).log()).mean()
            expected[row] += (-logs[2]).exp() * cost + logs[2] / 2
    assert torch.allclose(built.row_losses(scores, truth), expected, atol=1e-5)
    assert built.log_variances.requires_grad == (weighting == "uncertainty")


def test_scores_are_those_of_each_task() -> None:
    built = task()
    with torch.no_grad():
        scores = built.predict(rows())
        for single, (_, own) in zip(built.head.tasks(), built.target.each, strict=True):
            assert torch.equal(scores[:, own], single.predict(rows()).double())
    assert scores[:, :3].sum(dim=1).tolist() == pytest.approx([1] * N, abs=1e-5)


def test_what_is_not_known_teaches_nothing() -> None:
    built = task()
    nothing = torch.full((4, 6), float("nan"), dtype=torch.float64)
    loss = built.loss(rows(X[:4]), nothing, torch.ones(4))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in built.parameters())
    truth = torch.from_numpy(built.target.encode([("low", None, None)] * 4))
    built.zero_grad()
    built.loss(rows(X[:4]), truth, torch.ones(4)).backward()
    level, price, tags = (t.head.weight.grad for t in built.head.tasks())
    assert level.abs().sum() > 0
    assert not price.any()
    assert not tags.any()


@pytest.mark.parametrize("head", ["linear", "svm", "mlp"])
def test_all_are_learned_and_the_noisy_one_weighs_less(head) -> None:
    torch.manual_seed(0)
    built = TASKS["several"](7, target(), HeadConfig(head, hidden=32))
    network = Network({}, Concat({"x": 6}, FusionConfig()), built)
    truth = torch.from_numpy(built.target.encode(VALUES))
    config = TrainConfig(epochs=20, least_steps=200, batch_size=32, learning_rate=0.05)
    train(network, Lesson({"x": rows()}, truth, torch.ones(N)), config, 0)
    with torch.no_grad():
        scores = network.predict({"x": rows()}).numpy()
    complete = built.target.encode(list(zip(CLASSES, PRICES, LABELS, strict=True)))
    assert (scores[:, :3].argmax(axis=1) == complete[:, :3].argmax(axis=1)).mean() > 0.85
    assert np.corrcoef(np.log(scores[:, 3]), np.log(complete[:, 3]))[0, 1] > 0.9
    assert ((scores[:, 5] > 0.5) == complete[:, 5]).mean() > 0.85
    if head == "linear":
        shuffled = truth.clone()
        shuffled[:, 3] = shuffled[torch.randperm(N, generator=torch.Generator().manual_seed(0)), 3]
        noisy = TASKS["several"](7, target(), HeadConfig())
        network = Network({}, Concat({"x": 6}, FusionConfig()), noisy)
        train(network, Lesson({"x": rows()}, shuffled, torch.ones(N)), config, 0)
        gap = noisy.log_variances - built.log_variances
        assert gap[1] > 0.3
        assert gap[1] > gap[0] + 0.2
