"""Sampling against flows whose velocity and end are known in closed form."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from plait.drawing.config import DrawingConfig
from plait.drawing.flow import Flow, Shape
from plait.drawing.sampler import draw, follow, noise_of
from plait.errors import ConfigError
from plait.types import Features

MEAN, SPREAD = torch.tensor([0.7, -1.2, 0.3]).view(3, 1, 1), 0.4


def to_gaussian(values: Tensor, time: Tensor) -> Tensor:
    """The exact velocity of the flow from N(0, 1) to N(m, s^2): E[x_1 - x_0 | x_t].

    x_t = (1 - t) e + t x has mean t m and variance (1 - t)^2 + t^2 s^2; the covariance of
    x - e with it is t s^2 - (1 - t).
    """
    t = time.view(-1, 1, 1, 1)
    variance = (1 - t) ** 2 + t**2 * SPREAD**2
    return MEAN + (t * SPREAD**2 - (1 - t)) / variance * (values - t * MEAN)


def errors(sampler: str, counts: list[int]) -> list[float]:
    """The largest distance from where the exact flow ends: x_1 = m + s x_0."""
    begin = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(3)).double()
    exact = MEAN + SPREAD * begin
    return [
        float((follow(to_gaussian, begin, count, sampler) - exact).abs().max())  # type: ignore[arg-type]
        for count in counts
    ]


@pytest.mark.parametrize(("sampler", "order"), [("euler", 1), ("heun", 2)])
def test_errors_fall_with_the_order_of_the_sampler(sampler: str, order: int) -> None:
    found = errors(sampler, [40, 80, 160])
    assert found[-1] < 10 ** -(1 + order)
    for coarse, fine in pairwise(found):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15)


def test_a_flow_in_straight_lines_needs_one_step() -> None:
    begin, end = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2)
    found = follow(lambda values, time: end - begin, begin, 1)
    torch.testing.assert_close(found, end)


def test_from_a_later_start_the_rest_of_the_way_is_gone() -> None:
    seen = []

    def one(values: Tensor, time: Tensor) -> Tensor:
        seen.append(float(time[0]))
        return torch.ones_like(values)

    done = []
    found = follow(one, torch.zeros(1, 1, 1, 1), 4, start=0.5, advance=done.append)
    assert float(found) == pytest.approx(0.5)
    assert seen == [0.5, 0.625, 0.75, 0.875]
    assert sum(done) == 4


class Pull(Flow):
    """Moves by the pooled vector of the Features; without them by nothing."""

    shape = Shape(2, 1, 1)

    def forward(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        return features.pooled[:, :, None, None].expand_as(between)


def of(*rows: list[float]) -> Features:
    return Features.of_vectors(torch.tensor(rows))


@pytest.mark.parametrize(
    ("guidance", "against", "end"),
    [
        (1.0, None, [1.0, 2.0]),
        (0.0, None, [0.0, 0.0]),
        (3.0, None, [3.0, 6.0]),
        (3.0, [0.5, 4.0], [2.0, -2.0]),  # n + 3 (c - n)
        (0.0, [0.5, 4.0], [0.5, 4.0]),
    ],
)
def test_guidance(guidance: float, against: list[float] | None, end: list[float]) -> None:
    config = DrawingConfig(steps=3, guidance=guidance)
    negative = None if against is None else of(against, against)
    found = draw(Pull(), of([1.0, 2.0], [0.0, 1.0]), config, torch.zeros(2, 2, 1, 1), negative)
    torch.testing.assert_close(found[0].flatten(), torch.tensor(end))


def test_editing_begins_between_the_noise_and_the_picture() -> None:
    config = DrawingConfig(steps=2, guidance=1.0, strength=0.25)
    noise, picture = torch.full((1, 2, 1, 1), 4.0), torch.full((1, 2, 1, 1), 8.0)
    found = draw(Pull(), of([1.0, 0.0]), config, noise, begin=picture)
    # 0.25 of the noise and 0.75 of the picture, then a quarter of the way by (1, 0).
    torch.testing.assert_close(found.flatten(), torch.tensor([7.25, 7.0]))


def test_the_noise_of_a_picture_depends_on_its_own_seed_alone() -> None:
    shape = Shape(3, 4, 4)
    alone, beside = noise_of(shape, [7]), noise_of(shape, [5, 7])
    torch.testing.assert_close(alone[0], beside[1])
    assert not torch.equal(beside[0], beside[1])


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("steps", 0, "'steps' must be between 1 and 10000, found 0"),
        ("guidance", -1.0, "'guidance' must be between 0.0 and 1000.0, found -1.0"),
        ("strength", 0.0, "'strength' must be between 0.001 and 1.0, found 0.0"),
        ("strength", 1.5, "'strength' must be"),
        ("seed", -1, "'seed' must be between 0"),
        ("batch_size", 0, "'batch_size' must be"),
    ],
)
def test_settings_out_of_range(setting: str, value: float, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DrawingConfig(**{setting: value})  # type: ignore[arg-type]
