"""A pupil: its loss by the formula, every setting, and that it is the network it was made of."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from small_network import made

from plait.errors import ConfigError
from plait.train.config import TrainConfig
from plait.train.distil import DistilConfig, Pupil, Teacher
from plait.train.loop import train
from plait.train.optimise import weights_of
from plait.train.step import Lesson

RNG = np.random.default_rng(0)
SCORES = softmax(2 * RNG.normal(size=(20, 3)), axis=1)
VECTORS = RNG.normal(size=(20, 5)) + 3
CONFIG = DistilConfig(temperature=3.0, alpha=0.3, beta=0.7)
SHORT = TrainConfig(epochs=3, least_steps=1, batch_size=8)


def taught(config: DistilConfig = CONFIG, known: int = 20, vectors: np.ndarray = VECTORS):
    """Return a pupil, its lesson, the network it is made of, and the rows' target."""
    network, raw, target = made()
    truth = target.double()
    truth[known:] = torch.nan
    teacher = Teacher(torch.from_numpy(SCORES), torch.from_numpy(vectors), config)
    torch.manual_seed(1)
    pupil, lesson = teacher.teach(network, Lesson(raw, truth, torch.linspace(0.5, 2, 20)))
    return pupil.eval(), lesson, network, target


@torch.no_grad()
def loss_of(config: DistilConfig = CONFIG, **more) -> float:
    pupil, lesson, _, _ = taught(config, **more)
    return float(pupil.loss(pupil.encode(lesson.rows), lesson.target, lesson.weight))


@torch.no_grad()
def by_hand(config: DistilConfig, known: int) -> float:
    pupil, lesson, network, target = taught(config)
    joined = network.fusion(network.encode(lesson.rows)).pooled
    z = network.task.head(joined).double().numpy()
    hard = -log_softmax(z, axis=1)[np.arange(20), target.argmax(dim=1).numpy()]
    t = config.temperature
    p = softmax(np.log(SCORES) / t, axis=1)
    soft = -(t**2) * (p * log_softmax(z / t, axis=1)).sum(axis=1)
    f, v = pupil.hint(joined).double().numpy(), VECTORS - VECTORS.mean(axis=0)
    near = (f * v).sum(axis=1) / np.linalg.norm(f, axis=1) / np.linalg.norm(v, axis=1)
    alpha = config.alpha * (np.arange(20) < known)
    rows = alpha * hard + (1 - alpha) * soft + config.beta * (1 - near)
    return float((rows * lesson.weight.numpy()).sum() / lesson.weight.sum())


@pytest.mark.parametrize("known", [20, 12, 0])
def test_loss_by_its_formula(known) -> None:
    assert loss_of(known=known) == pytest.approx(by_hand(CONFIG, known), abs=1e-5)


CHANGED = {"temperature": 1.0, "alpha": 0.9, "beta": 2.0}


def test_every_key_changes_the_loss_as_the_formula_says() -> None:
    assert {field.name for field in dataclasses.fields(DistilConfig)} == {*CHANGED, "seed"}
    for key, value in CHANGED.items():
        config = replace(CONFIG, **{key: value})
        assert loss_of(config) == pytest.approx(by_hand(config, 20), abs=1e-5)
        assert abs(loss_of(config) - loss_of()) > 0.01, key


WRONG = {"temperature": 0.0, "alpha": 1.1, "beta": -1.0, "seed": -1}


@pytest.mark.parametrize(("key", "value"), WRONG.items())
def test_numbers_out_of_range_are_refused(key, value) -> None:
    with pytest.raises(ConfigError, match=f"Setting '{key}' must be between"):
        DistilConfig(**{key: value})


def test_alpha_one_and_no_hint_is_the_plain_loss() -> None:
    config = DistilConfig(alpha=1.0, beta=0.0)
    pupil, lesson, network, target = taught(config)
    rows = network.encode(lesson.rows)
    plain = network.loss(rows, target, lesson.weight).item()
    assert pupil.loss(rows, lesson.target, lesson.weight).item() == pytest.approx(plain)


def test_rows_of_which_the_teacher_had_nothing_give_no_hint() -> None:
    some = VECTORS.copy()
    some[5] = 0
    lesson = taught(vectors=some)[1]
    shown = lesson.target[:, 6:]
    assert (shown[5] == 0).all()
    others = np.delete(VECTORS, 5, axis=0)
    assert shown[6].numpy() == pytest.approx(VECTORS[6] - others.mean(axis=0))
    nothing = taught(vectors=np.zeros_like(VECTORS))[1].target[:, 6:]
    assert (nothing == 0).all()


def test_the_network_has_learned_when_the_pupil_has() -> None:
    pupil, lesson, network, _ = taught()
    before, hint = weights_of(network), pupil.hint.weight.clone()
    history = train(pupil, lesson, SHORT, 0)
    after = weights_of(network)
    assert set(after) == set(before)
    assert not torch.equal(before["task.head.weight"], after["task.head.weight"])
    assert not torch.equal(before["encoders.0.layer.weight"], after["encoders.0.layer.weight"])
    assert not torch.equal(hint, pupil.hint.weight)
    assert len(history.training) == 3


def test_the_joint_vector_comes_near_the_teachers() -> None:
    raw = made()[1]
    with torch.no_grad():
        aim = torch.stack(list(raw["a"].samples)) @ torch.randn(4, 5)

    def near(beta: float) -> float:
        config = DistilConfig(alpha=0.0, beta=beta)
        pupil, lesson, _, _ = taught(config, vectors=aim.double().numpy() + 3)
        train(pupil, lesson, replace(SHORT, epochs=80, validation_share=0.0), 0)
        with torch.no_grad():
            found = pupil.hint(pupil.fusion(pupil.encode(lesson.rows)).pooled)
        vectors = lesson.target[:, 6:].float()
        return float(torch.nn.functional.cosine_similarity(found, vectors).mean())

    assert near(5.0) > 0.9
    assert near(0.0) < 0.5


def test_blended_rows_are_learned_from_too() -> None:
    pupil, lesson, network, _ = taught(known=12)
    before = weights_of(network)
    train(pupil, lesson, replace(SHORT, mixup=0.5), 0)
    after = weights_of(network)
    assert all(value.isfinite().all() for value in after.values())
    assert not torch.equal(before["task.head.weight"], after["task.head.weight"])


def test_take_keeps_rows_together() -> None:
    teacher = Teacher(torch.from_numpy(SCORES), torch.from_numpy(VECTORS), CONFIG)
    some = teacher.take(torch.tensor([3, 1]))
    assert np.array_equal(some.scores.numpy(), SCORES[[3, 1]])
    assert np.array_equal(some.vectors.numpy(), VECTORS[[3, 1]])
    assert isinstance(Pupil(made()[0], 5, CONFIG), torch.nn.Module)
