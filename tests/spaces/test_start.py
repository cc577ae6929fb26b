"""Maps begin as canonical correlations: of the rows learned from, chosen by those held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from spaces.test_aligning import CONFIG, QUIET, SAID, things

import plait
from plait.fusion.canonical import Covariances, directions
from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.fusion.towers import Towers
from plait.network import Network
from plait.spaces.space import AlignConfig
from plait.spaces.start import POWERS, STRENGTHS, begin_canonical
from plait.tasks.align import Align, AlignTaskConfig
from plait.train.config import TrainConfig
from plait.train.step import Lesson
from plait.types import Features

LEARNING, HELD_OUT = torch.arange(160), torch.arange(160, 240)


def made(loss: str = "infonce") -> tuple[Network, Lesson]:
    """Return towers, and rows of which some lack a group and others a part of one."""
    torch.manual_seed(0)
    hidden = torch.randn(240, 3)
    rows = {}
    for name, width in (("a", 6), ("b", 4), ("c", 5)):
        values = hidden @ torch.randn(3, width) + 0.3 * torch.randn(240, width) + 0.5
        present = torch.ones(240, dtype=torch.bool)
        if name != "a":
            present[{"b": slice(0, 20), "c": slice(10, 40)}[name]] = False
        rows[name] = Features.from_pooled(values, present)
    settings = FusionConfig()
    groups = [Concat({"a": 6}, settings), Concat({"b": 4, "c": 5}, settings)]
    towers = Towers(groups, 8, 0, settings, [0.5] * len(groups), late=False)
    network = Network({}, towers, Align(2, AlignTaskConfig(loss)))
    return network, Lesson(rows, torch.arange(240.0)[:, None], torch.ones(240))


def cost(network: Network, lesson: Lesson) -> float:
    part = lesson.take(HELD_OUT)
    with torch.no_grad():
        return float(network.eval().loss(part.rows, part.target, part.weight))  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["infonce", "siglip"])
def test_the_best_start_on_the_rows_held_out(loss: str) -> None:
    network, lesson = made(loss)
    at_random = cost(network, lesson)
    lengths = [layer.weight.detach().norm() for layer in network.fusion.last_layers]  # type: ignore[union-attr,operator]
    start = begin_canonical(network, lesson, LEARNING, HELD_OUT)
    assert cost(network, lesson) == pytest.approx(start.cost, rel=1e-5)
    assert start.cost < 0.8 * at_random
    assert start.strength in STRENGTHS
    assert start.power in POWERS
    task = network.task
    assert isinstance(task, Align)
    assert start.temperature == pytest.approx(1 / task.scale().item())
    assert (task.bias.item() == -10) == (loss == "infonce")
    for number in [task.log_scale, *([task.bias] if loss == "siglip" else [])]:
        for step in (0.1, -0.2, 0.1):  # there, back past it, and to where it was
            number.data += step
            if step == 0.1 and number.item() == 0:
                continue
            moved = cost(network, lesson)
            assert moved >= start.cost - 1e-6
    for layer, length in zip(network.fusion.last_layers, lengths, strict=True):  # type: ignore[arg-type,union-attr]
        assert float(layer.weight.detach().norm()) == pytest.approx(float(length), rel=1e-5)


def test_maps_are_of_the_rows_that_are_learned_from() -> None:
    """Those held out choose among them; pairs that are wrong there choose the weakest."""
    network, lesson = made()
    start = begin_canonical(network, lesson, LEARNING, HELD_OUT)
    towers = network.fusion
    assert isinstance(towers, Towers)
    values, present = towers.before_last(lesson.take(LEARNING).rows)  # type: ignore[arg-type]
    assert present[:, 1].tolist() == [not 10 <= row < 20 for row in range(160)]  # without b and c
    own = directions(Covariances.of(values, present), 8, start.strength).weighted(start.power)
    for layer, weight in zip(towers.last_layers, own, strict=True):
        scaled = weight * layer.weight.detach().norm() / weight.norm()
        torch.testing.assert_close(layer.weight.detach(), scaled.float(), atol=1e-6, rtol=1e-4)
    wrong, order = made()[0], torch.cat([LEARNING, HELD_OUT.roll(1)])
    mixed = {**lesson.rows, "a": lesson.rows["a"].take(order)}
    other = begin_canonical(wrong, replace(lesson, rows=mixed), LEARNING, HELD_OUT)
    assert other.cost > start.cost + 1
    assert other.temperature > 3 * start.temperature


def test_too_few_rows_to_hold_any_out() -> None:
    network, lesson = made()
    start = begin_canonical(network, lesson, LEARNING, torch.arange(0))
    assert (start.strength, start.power) == (STRENGTHS[0], POWERS[0])
    assert start.temperature == pytest.approx(AlignTaskConfig().temperature)
    assert np.isnan(start.cost)
    assert cost(network, lesson) < cost(*made())


FEW = TrainConfig(epochs=1, least_steps=2, batch_size=256, modality_dropout=0.0)
SHORT = replace(CONFIG, train=FEW)


def facts(config: AlignConfig) -> dict[str, object]:
    """Return what is known of a space, learned by few steps."""
    space = plait.align(things(), "colour,shape", "code", modalities=SAID, config=config,
                        progress=QUIET)  # fmt: skip
    return space.facts


def test_a_space_begins_there_unless_told_otherwise() -> None:
    def recall(found: dict[str, object]) -> float:
        retrieval = found["retrieval"]
        assert isinstance(retrieval, list)
        return min(float(one["scores"]["recall@1"]["value"]) for one in retrieval)

    canonical, random = facts(SHORT), facts(replace(SHORT, start="random"))
    assert recall(canonical) > recall(random) + 0.2
    start, kept = canonical["start"], canonical["kept"]
    assert isinstance(start, dict)
    assert set(start) == {"strength", "power", "temperature", "cost"}
    assert isinstance(kept, dict)
    assert 0 <= kept["maps"] <= 1
    assert "start" not in random
    assert "kept" not in random
    for task in (AlignTaskConfig(width=8, hidden=8), AlignTaskConfig("filip", width=8)):
        assert "start" not in facts(replace(SHORT, task=task))
