"""The training loop: repeats, stops early, hides sources, weighs rows, and any size works."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.fusion.feature import Concat, Gated, Projection
from plait.fusion.fusion import FusionConfig
from plait.network import Network
from plait.tasks.classify import Classify
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train import loop
from plait.train.config import TrainConfig
from plait.train.loop import History, train
from plait.train.step import Lesson
from plait.types import Features, Modality

SHORT = TrainConfig(epochs=6, least_steps=1, batch_size=16)
TARGET = Target.learn("y", Modality.CATEGORY, ["0", "1"])
WIDTHS = {"a": 2, "b": 2}


def xor(rows: int, seed: int = 0) -> tuple[dict[str, Features], torch.Tensor]:
    """Two sources; the class is whether their signs differ: neither alone knows anything."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, 4, generator=generator)
    values += 1.0 * values.sign()
    classes = ((values[:, 0] > 0) ^ (values[:, 2] > 0)).long()
    there = torch.ones(rows, dtype=torch.bool)
    parts = {"a": values[:, :2], "b": values[:, 2:]}
    features = {name: Features.from_pooled(part, there) for name, part in parts.items()}
    return features, torch.nn.functional.one_hot(classes, 2).float()


def network(fusion=Concat, head: str = "linear", widths=None) -> Network:
    torch.manual_seed(0)
    joined = fusion(widths or WIDTHS, FusionConfig(16))
    return Network({}, joined, Classify(joined.width, TARGET, HeadConfig(head, 32)))


def run(model: Network, rows: int, config: TrainConfig, weight=None, seed: int = 0) -> History:
    features, target = xor(rows)
    torch.manual_seed(seed)  # of dropout
    features = {name: features[name] for name in model.fusion.widths}
    weight = torch.ones(rows) if weight is None else weight
    return train(model, Lesson(features, target, weight), config, seed)


def accuracy(model: Network) -> float:
    features, target = xor(400, seed=1)
    with torch.no_grad():
        scores = model.predict({name: features[name] for name in model.fusion.widths})
    return float((scores.argmax(dim=1) == target.argmax(dim=1)).float().mean())


LEARN = TrainConfig(epochs=30, least_steps=400, batch_size=32)


@pytest.mark.parametrize(("fusion", "head"), [(Concat, "mlp"), (Projection, "mlp"), (Gated, "mlp")])
def test_what_needs_both_sources_is_learned_from_both(fusion, head) -> None:
    model = network(fusion, head)
    run(model, 400, LEARN)
    assert accuracy(model) > 0.9


@pytest.mark.parametrize("source", ["a", "b"])
def test_each_source_alone_is_at_chance(source) -> None:
    model = network(Concat, "mlp", {source: 2})
    run(model, 400, LEARN)
    assert 0.4 < accuracy(model) < 0.6


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_same_seed_same_weights_to_the_bit(head) -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        model = network(head=head)
        run(model, 60, SHORT, seed=seed)
        return list(model.state_dict().values())

    first = weights(3)
    assert all(torch.equal(a, b) for a, b in zip(first, weights(3), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, weights(4), strict=True))


def test_early_stopping_keeps_the_best_epoch(monkeypatch) -> None:
    losses = iter([0.9, 0.5, 0.7, 0.6, 0.8, 0.4])
    seen = []

    def pretend(network, *_: object) -> float:
        seen.append({k: v.clone() for k, v in network.state_dict().items()})
        return next(losses)

    monkeypatch.setattr(loop, "_cost", pretend)
    model = network()
    history = run(model, 60, TrainConfig(epochs=6, least_steps=1, batch_size=16, patience=3))
    assert history.best == 1
    assert history.validation == (0.9, 0.5, 0.7, 0.6, 0.8)  # three without a lower one: stop
    assert len(history.training) == 5
    for name, value in model.state_dict().items():
        assert torch.equal(value, seen[1][name])
    assert not all(torch.equal(seen[1][k], seen[4][k]) for k in seen[1])
    assert not model.training


def test_a_loss_that_is_no_number_once_does_not_stop_later_ones(monkeypatch) -> None:
    losses = iter([float("nan"), 0.5, 0.3, float("nan")])
    monkeypatch.setattr(loop, "_cost", lambda *_: next(losses))
    config = TrainConfig(epochs=4, least_steps=1, batch_size=16)
    assert run(network(), 60, config).best == 2


def test_validation_rows_are_not_learned_from() -> None:
    def split(rows: int, share: float, groups: np.ndarray | None = None) -> list[torch.Tensor]:
        lesson = Lesson({}, torch.zeros(rows, 1), torch.ones(rows), groups)
        return list(loop.split(lesson, share, torch.Generator().manual_seed(0)))

    learning, held = split(50, 0.2)
    assert len(held) == 10
    assert sorted(torch.cat([learning, held]).tolist()) == list(range(50))
    assert len(split(19, 0.5)[1]) == 0
    assert len(split(20, 0.5)[1]) == 10
    learning, held = split(50, 0.2, np.arange(50) // 5)
    assert len(held) == 10
    assert not set((learning // 5).tolist()) & set((held // 5).tolist())


def test_rows_that_are_named_are_held_out() -> None:
    held = torch.arange(30) % 7 == 0
    lesson = Lesson({}, torch.zeros(30, 1), torch.ones(30), held=held)
    learning, checking = loop.split(lesson, 0.5, torch.Generator().manual_seed(0))
    assert sorted(checking.tolist()) == torch.nonzero(held).flatten().tolist()
    assert sorted(learning.tolist()) == torch.nonzero(~held).flatten().tolist()
    assert learning.tolist() != sorted(learning.tolist())


@pytest.mark.parametrize("rows", [1, 2, 19, 20, 33])  # 33 leaves a batch of one
def test_any_number_of_rows(rows) -> None:
    model = network(Gated, "mlp")
    history = run(model, rows, TrainConfig(epochs=3, least_steps=4, batch_size=32))
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert np.isfinite(history.training).all()
    assert np.isnan(history.validation).all() == (rows < 20)
    if rows < 20:
        assert history.best == len(history.training) - 1


def test_small_tables_get_more_epochs() -> None:
    config = TrainConfig(epochs=2, least_steps=50, batch_size=8, patience=2)
    assert len(run(network(), 16, config).training) == 25
    config = TrainConfig(epochs=2, least_steps=1, batch_size=8, patience=2)
    assert len(run(network(), 16, config).training) == 2


def test_weights_of_rows_matter() -> None:
    """Half of the rows say the opposite; the weight decides which half is believed."""
    there = torch.ones(80, dtype=torch.bool)
    values = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))
    features = {name: Features.from_pooled(values, there) for name in WIDTHS}
    classes = (values[:, 0] > 0) ^ (torch.arange(80) < 40)
    target = torch.nn.functional.one_hot(classes.long(), 2).float()
    for first_half, rising in ((0.0, True), (1.0, False)):
        weight = torch.where(torch.arange(80) < 40, first_half, 1 - first_half)
        model = network()
        config = TrainConfig(epochs=5, least_steps=60, batch_size=8)
        train(model, Lesson(features, target, weight), config, 0)
        probe = Features.from_pooled(torch.tensor([[2.0, 0.0]]), there[:1])
        with torch.no_grad():
            scores = model.predict({"a": probe, "b": probe})
        assert scores.isfinite().all()
        assert (scores[0, 1] > 0.6) == rising
