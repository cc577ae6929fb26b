"""Gradient caching: parts of a batch whose rows are set against one another."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from small_network import Numbers

from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.fusion.towers import Towers
from plait.network import Network
from plait.tasks.align import Align, AlignTaskConfig
from plait.train.checkpoint import Course
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.train.step import Lesson, Step
from plait.types import Raw

Gradient = dict[str, torch.Tensor]

NAME = "fusion.maps.0.2.0.weight"


def made(loss: str, dropout: float, hardness: float = 0.5) -> tuple[Network, Lesson]:
    """Return two towers in float64, and 20 rows of which 5 lack source `b`."""
    torch.manual_seed(0)
    settings = FusionConfig(dropout=dropout)
    groups = [Concat({name: 3}, settings) for name in ("a", "b")]
    towers = Towers(groups, 5, 6, settings, [dropout] * len(groups), late=loss == "filip")
    task = Align(2, AlignTaskConfig(loss, hardness=hardness))
    network = Network({"a": Numbers(), "b": Numbers()}, towers, task).double()
    present = {"a": torch.ones(20).bool(), "b": torch.arange(20) >= 5}
    rows = {
        name: Raw(list(torch.randn(20, 4).double()), torch.arange(20), there)
        for name, there in present.items()
    }
    keys = torch.tensor([[float(row // 2)] for row in range(20)]).double()
    return network, Lesson(rows, keys, torch.linspace(0.5, 2, 20).double())


def gradient(
    loss: str, parts: int, dropout: float = 0.0, hardness: float = 0.5, moved: float = 0.0
) -> tuple[float, Gradient]:
    """Return the loss and the gradient of one step on all rows, some of their sources hidden.

    One weight is moved by so much before.
    """
    network, lesson = made(loss, dropout, hardness)
    network.train()
    dict(network.named_parameters())[NAME].data[2, 1] += moved
    config = TrainConfig(accumulate=parts, modality_dropout=0.3 if dropout else 0.0)
    generators = {"shuffle": torch.Generator(), "hide": torch.Generator().manual_seed(1)}
    step = Step(Course(network, 1, 1, generators, config), Accelerator())
    torch.manual_seed(2)
    value = step._gradient(lesson, torch.arange(20).flip(0))
    found = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    assert len(found) > 10
    return value, found


@pytest.mark.parametrize("loss", ["infonce", "siglip", "filip"])
@pytest.mark.parametrize("parts", [2, 3])
def test_the_gradient_is_that_of_the_whole_batch(loss: str, parts: int) -> None:
    expected, whole = gradient(loss, 1)
    found, cached = gradient(loss, parts)
    assert found == pytest.approx(expected, abs=1e-12)
    for name, value in whole.items():
        torch.testing.assert_close(cached[name], value, atol=1e-6, rtol=0)
        assert value.abs().max() > 1e-6


def test_parts_alone_would_have_another_gradient() -> None:
    """So the test above can fail: without the cache, rows meet those of their part alone."""
    network, lesson = made("infonce", 0.0)
    halves = [torch.arange(10, 20).flip(0), torch.arange(10).flip(0)]
    loss = sum(
        network.loss(network.encode(part.rows), part.target, part.weight)
        for part in map(lesson.take, halves)
    )
    assert abs(loss.item() / 2 - gradient("infonce", 1)[0]) > 0.1


def test_the_same_random_numbers_are_drawn_twice() -> None:
    """The slope by a weight is that of the loss, with the same features hidden and dropped."""
    _, found = gradient("infonce", 3, 0.5, 0.0)
    _, again = gradient("infonce", 3, 0.5, 0.0)
    assert all(torch.equal(value, again[name]) for name, value in found.items())
    up, down = (gradient("infonce", 3, 0.5, 0.0, moved)[0] for moved in (1e-6, -1e-6))
    slope = (up - down) / 2e-6
    assert found[NAME][2, 1].item() == pytest.approx(slope, abs=1e-6)
    assert abs(slope) > 1e-5


def test_towers_learn_in_the_loop() -> None:
    network, lesson = made("infonce", 0.0)
    config = TrainConfig(
        epochs=30, least_steps=1, batch_size=20, accumulate=2, validation_share=0.0,
        modality_dropout=0.0, precision="float32",
    )  # fmt: skip
    history = train(network, lesson, config, 0)
    assert history.training[-1] < 0.6 * history.training[0]
