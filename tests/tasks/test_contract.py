"""What every task promises, for every task of the catalogue and every head."""

from __future__ import annotations

import typing
from dataclasses import fields

import numpy as np
import pytest
import torch

from plait.catalog import TASKS
from plait.errors import ConfigError
from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.network import Network
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig, Task
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.train.step import Lesson
from plait.types import Features, Modality

HEADS = typing.get_args(next(
    typing.get_type_hints(HeadConfig)[f.name] for f in fields(HeadConfig) if f.name == "kind"
))  # fmt: skip
RNG = np.random.default_rng(0)
N = 240
X = torch.from_numpy(RNG.normal(size=(N, 6))).float()
SIGNAL = X[:, 0].numpy() - 0.5 * X[:, 1].numpy() + 0.3 * RNG.normal(size=N)

VALUES = {
    "classify": [("low", "mid", "high")[int(s > -0.5) + int(s > 0.5)] for s in SIGNAL],
    "multilabel": [tuple(n for n, yes in (("up", s > 0), ("far", abs(s) > 1)) if yes)
                   for s in SIGNAL],
    "regress": [float(50 + 8 * s) for s in SIGNAL],
}  # fmt: skip
SINGLE = tuple(VALUES)
VALUES["several"] = list(zip(*(VALUES[kind] for kind in SINGLE), strict=True))
MODALITY = {
    "classify": Modality.CATEGORY, "multilabel": Modality.CATEGORIES, "regress": Modality.NUMBER,
}  # fmt: skip

every_task = pytest.mark.parametrize("name", TASKS)
every_head = pytest.mark.parametrize("head", HEADS)


def target_of(name: str) -> Target:
    if name == "several":
        return Target.together([target_of(kind) for kind in SINGLE])
    return Target.learn("y", MODALITY[name], VALUES[name])


def truth_of(name: str) -> torch.Tensor:
    return torch.from_numpy(target_of(name).encode(VALUES[name]))


def build(name: str, head: str, width: int = 6) -> Task:
    torch.manual_seed(0)
    task = TASKS[name](width, target_of(name), HeadConfig(head, hidden=16))
    for parameter in task.head.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return task.eval()


def rows(values: torch.Tensor = X) -> Features:
    return Features.from_pooled(values, torch.ones(len(values), dtype=torch.bool))


def learned(name: str, head: str) -> Network:
    torch.manual_seed(0)
    task = TASKS[name](7, target_of(name), HeadConfig(head, hidden=32))
    network = Network({}, Concat({"x": 6}, FusionConfig()), task)
    config = TrainConfig(epochs=12, least_steps=100, batch_size=32, learning_rate=0.05)
    train(network, Lesson({"x": rows()}, truth_of(name), torch.ones(N)), config, 0)
    return network


def test_every_task_and_head_is_tested() -> None:
    assert set(VALUES) == set(TASKS)
    assert HEADS == ("linear", "svm", "mlp")


@every_task
@every_head
def test_loss_is_a_scalar_whose_gradient_reaches_head_and_features(name, head) -> None:
    task, values = build(name, head), X.clone().requires_grad_()
    loss = task.loss(rows(values), truth_of(name), torch.ones(N))
    assert loss.shape == ()
    assert loss > 0
    loss.backward()
    assert values.grad.abs().sum() > 0
    for name, parameter in task.head.named_parameters():
        if not name.endswith("log_scale"):  # of a hinge among several: see its own test below
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0


@every_task
@every_head
def test_loss_is_the_weighted_mean_of_rows(name, head) -> None:
    task, truth = build(name, head), truth_of(name)
    each = torch.stack([task.loss(rows(X[i : i + 1]), truth[i : i + 1], torch.ones(1))
                        for i in range(8)])  # fmt: skip
    weight = torch.tensor([0.0, 1, 2, 3, 0.5, 0, 1, 9])
    together = task.loss(rows(X[:8]), truth[:8], weight)
    assert together.item() == pytest.approx(((each * weight).sum() / weight.sum()).item(), rel=1e-5)
    assert task.loss(rows(X[:8]), truth[:8], torch.zeros(8)).item() == 0


@every_task
@pytest.mark.parametrize("head", [head for head in HEADS if head != "svm"])
def test_what_a_teacher_says_pulls_the_scores_towards_it(name, head) -> None:
    task = build(name, head)
    for key, parameter in task.named_parameters():
        if key.endswith("log_scale"):  # only a hinge learns it
            torch.nn.init.zeros_(parameter)
    scores = task.head(X[:8]).detach().clamp(-4, 4).requires_grad_()
    same, other = task.to_scores(scores).detach(), task.to_scores(scores.flip(0)).detach()
    losses = task.soft_losses(scores, same, 2.0)
    assert losses.shape == (8,)
    (still,) = torch.autograd.grad(losses.sum(), scores)
    (pulled,) = torch.autograd.grad(task.soft_losses(scores, other, 2.0).sum(), scores)
    assert still.abs().max() < 1e-3
    assert pulled.abs().amax(dim=0).min() > 0.02
    with torch.no_grad():
        nearer = task.soft_losses(scores - 0.01 * pulled, other, 2.0)
        assert nearer.sum() < task.soft_losses(scores, other, 2.0).sum()


@every_task
@every_head
@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_predictions_are_in_range(name, head, size, scale) -> None:
    scores = build(name, head).predict(rows(X[:size] * scale))
    assert scores.shape == (size, target_of(name).width)
    assert scores.isfinite().all()
    if name in ("classify", "multilabel"):
        assert ((scores >= 0) & (scores <= 1)).all()
    if name in ("classify", "several"):  # the classes are the first of several
        assert scores[:, :3].sum(dim=1).tolist() == pytest.approx([1] * size, abs=1e-5)


@every_task
@every_head
def test_it_learns(name, head) -> None:
    network, truth = learned(name, head), truth_of(name)
    with torch.no_grad():
        scores = network.predict({"x": rows()})
    if name in ("classify", "several"):
        scores, truth = scores[:, :3], truth[:, :3]
        assert (scores.argmax(dim=1) == truth.argmax(dim=1)).float().mean() > 0.8
    elif name == "multilabel":
        assert ((scores > 0.5)[:, 1] == truth[:, 1].bool()).float().mean() > 0.85
    else:
        assert 1 - (scores - truth).square().mean() / truth.var() > 0.85


@pytest.mark.parametrize("name", ["classify", "multilabel"])
def test_hinge_probabilities_are_about_as_good_as_logistic_ones(name) -> None:
    truth, losses, gaps = truth_of(name), {}, {}
    for head in ("linear", "svm"):
        network = learned(name, head)
        with torch.no_grad():
            scores = network.predict({"x": rows()}).clamp(1e-6, 1 - 1e-6).double()
        losses[head] = -(truth * scores.log() + (1 - truth) * (1 - scores).log()).mean()
        sure = (scores > 0.6) & (scores < 0.9)
        assert sure.sum() > 15
        gaps[head] = (truth[sure].mean() - scores[sure].mean()).abs()
    assert losses["svm"] < 1.1 * losses["linear"]
    assert gaps["svm"] < gaps["linear"] + 0.05


def test_a_number_far_from_zero_is_kept_exactly() -> None:
    """1e9 + noise: float32 would leave steps of 64."""
    values = [1e9 + 10 * s for s in SIGNAL]
    target = Target.learn("y", Modality.NUMBER, values)
    truth = target.encode(values)
    assert truth.dtype == np.float64
    torch.manual_seed(0)
    network = Network(
        {}, Concat({"x": 6}, FusionConfig()), TASKS["regress"](7, target, HeadConfig())
    )
    config = TrainConfig(epochs=12, least_steps=100, batch_size=32, learning_rate=0.05)
    train(network, Lesson({"x": rows()}, torch.from_numpy(truth), torch.ones(N)), config, 0)
    with torch.no_grad():
        scores = network.predict({"x": rows()}).numpy()
    assert 1 - np.square(scores - truth).mean() / truth.var() > 0.8


def test_linear_heads_start_from_knowing_nothing() -> None:
    task = TASKS["classify"](6, target_of("classify"), HeadConfig())
    assert torch.allclose(task.predict(rows()), torch.full((N, 3), 1 / 3))


def test_svm_learns_its_scale_beside_the_hinge() -> None:
    """The hinge must not feel the scale, nor the scale move the margins."""
    task, truth = build("classify", "svm"), truth_of("classify")
    task.loss(rows(), truth, torch.ones(N)).backward()
    before = [p.grad.clone() for p in task.head.parameters()]
    assert task.log_scale.grad.abs() > 0
    task.zero_grad()
    with torch.no_grad():
        task.log_scale.fill_(0.2)
    task.loss(rows(), truth, torch.ones(N)).backward()
    for one, other in zip(before, task.head.parameters(), strict=True):
        assert torch.equal(one, other.grad)


@pytest.mark.parametrize("loss", ["focal", "adjusted"])
@pytest.mark.parametrize("name", ["classify", "multilabel"])
def test_losses_for_unequal_classes_by_hand(name, loss) -> None:
    torch.manual_seed(0)
    target = target_of(name)
    task = TASKS[name](7, target, HeadConfig(loss=loss, focusing=1.5, strength=0.7))
    truth, scores = truth_of(name)[:6], torch.randn(6, target.width)
    prior = torch.tensor(target.prior)
    if name == "classify":
        logits = scores + 0.7 * prior.log() if loss == "adjusted" else scores
        cost = -(logits.log_softmax(dim=1) * truth).sum(dim=1)
    else:
        logits = scores + 0.7 * (prior / (1 - prior)).log() if loss == "adjusted" else scores
        p = torch.where(truth > 0, logits.sigmoid(), 1 - logits.sigmoid())
        cost = -p.log()
    if loss == "focal":
        cost = (1 - torch.exp(-cost)) ** 1.5 * cost
    expected = cost if name == "classify" else cost.mean(dim=1)
    assert torch.allclose(task.row_losses(scores, truth), expected, atol=1e-5)


def test_a_hinge_has_no_other_loss() -> None:
    with pytest.raises(ConfigError, match="Loss 'focal' is a form of cross-entropy, which head"):
        HeadConfig("svm", loss="focal")
