"""The loss of drawing by hand; times; and a flow that learns what it must draw."""

from __future__ import annotations

import pytest
import torch
from corners import SHAPE, drawn_as_asked, learned
from torch import Tensor

from plait.drawing.flow import Flow, Shape
from plait.errors import ConfigError
from plait.tasks.draw import Draw, spread_times, to_bytes, unit
from plait.tasks.draw_config import DrawConfig
from plait.tasks.flow_transformer import FlowTransformer
from plait.types import Features


class Spy(Flow):
    """Remembers what it is asked; says half of what it is given."""

    shape = Shape(1, 2, 2)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Tensor, Tensor, Features]] = []

    def forward(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        self.asked.append((between, time, features))
        return between / 2


def of(rows: int, width: int = 5) -> Features:
    torch.manual_seed(rows)
    mask = torch.ones(rows, 3).bool()
    mask[-1, 1:] = False
    return Features.of_tokens(torch.randn(rows, 3, width), mask)


def test_the_loss_is_that_of_hand_computation() -> None:
    spy, picture = Spy(), torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    weight = torch.tensor([1.0, 3.0, 0.5])
    found = Draw(spy).eval().loss(of(3), picture, weight)
    between, time, _ = spy.asked[0]
    t = time.view(-1, 1, 1, 1)
    noise = (between - t * picture) / (1 - t)
    assert float(noise.std()) == pytest.approx(1.0, abs=0.5)
    errors = (between / 2 - (picture - noise)).square().mean(dim=(1, 2, 3))
    assert float(found) == pytest.approx(float((errors * weight).sum() / 4.5), rel=1e-5)


def test_it_is_judged_by_the_same_noise_each_time_and_learns_by_another() -> None:
    spy, picture = Spy(), torch.zeros(4, 1, 2, 2)
    task, weight = Draw(spy), torch.ones(4)
    first, second = (float(task.eval().loss(of(4), picture, weight)) for _ in range(2))
    assert first == second
    assert float(task.train().loss(of(4), picture, weight)) != first


def test_a_share_of_the_rows_learns_without_inputs() -> None:
    spy, rows = Spy(), 4000
    task = Draw(spy, unconditioned=0.25).train()
    task.loss(of(rows), torch.zeros(rows, 1, 2, 2), torch.ones(rows))
    features = spy.asked[0][2]
    assert float((~features.present).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert not features.pooled[~features.present].any()
    task.eval().loss(of(rows), torch.zeros(rows, 1, 2, 2), torch.ones(rows))
    assert bool(spy.asked[1][2].present.all())


def test_times_are_those_of_a_logit_normal() -> None:
    for times in (spread_times(2000), _times_of_training(2000)):
        logits = times.logit()
        assert float(logits.mean()) == pytest.approx(0.0, abs=0.1)
        assert float(logits.std()) == pytest.approx(1.0, abs=0.1)
    assert spread_times(5).sort().values[2] == 0.5


def _times_of_training(rows: int) -> Tensor:
    spy = Spy()
    Draw(spy).train().loss(of(rows), torch.zeros(rows, 1, 2, 2), torch.ones(rows))
    return spy.asked[0][1]


def test_bytes_are_minus_one_to_one_and_back() -> None:
    every = torch.arange(256).to(torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(to_bytes(unit(every)), every)
    assert float(unit(every).min()) == -1
    assert float(unit(every).max()) == 1
    assert to_bytes(torch.tensor([-3.0, 7.0])).tolist() == [0, 255]
    task, weight = Draw(Spy()).eval(), torch.ones(1)
    as_bytes = every[:, :, :2, :2]
    assert task.loss(of(1), as_bytes, weight) == task.loss(of(1), unit(as_bytes), weight)


def transformer(side: int = 8) -> FlowTransformer:
    torch.manual_seed(0)
    return FlowTransformer(5, Shape(3, side, side), patch=4, width=32, layers=2, heads=2)


def woken(flow: FlowTransformer) -> FlowTransformer:
    """What is zero at first given weights, as training would."""
    torch.manual_seed(1)
    for weight in flow.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    return flow


def test_it_begins_as_nothing() -> None:
    found = transformer()(torch.randn(2, 3, 8, 8), torch.tensor([0.1, 0.8]), of(2))
    assert found.shape == (2, 3, 8, 8)
    assert not found.any()


def test_everything_reaches_the_velocity_and_what_is_masked_does_not() -> None:
    flow = woken(transformer()).eval()
    picture, time, features = torch.randn(2, 3, 8, 8), torch.tensor([0.2, 0.7]), of(2)
    known = flow(picture, time, features)
    assert not torch.allclose(known[0], flow(picture, time + 0.1, features)[0])
    tokens = features.tokens.clone()
    tokens[0, 2] += torch.arange(5.0)
    assert not torch.allclose(known[0], flow(picture, time, features.with_tokens(
        tokens, features.pooled))[0])  # fmt: skip
    assert not torch.allclose(known[0], flow(picture, time, features.with_tokens(
        features.tokens, features.pooled + torch.arange(5.0)))[0])  # fmt: skip
    tokens = features.tokens.clone()
    tokens[1, 2] += torch.arange(5.0)  # masked
    torch.testing.assert_close(known, flow(picture, time, features.with_tokens(
        tokens, features.pooled)))  # fmt: skip
    moved = picture.clone()
    moved[0, :, :4, :4] += 1.0  # one patch changes what is said of the one across
    assert not torch.allclose(known[0, :, 4:, 4:], flow(moved, time, features)[0, :, 4:, 4:])


def test_patches_are_put_back_where_they_were() -> None:
    """With no blocks and an identity for a map each pixel moves by itself."""
    torch.manual_seed(0)
    flow = FlowTransformer(5, Shape(1, 4, 6), patch=2, width=4, layers=1, heads=1)
    with torch.no_grad():
        flow.into.weight.copy_(torch.eye(4).view(4, 1, 2, 2))
        flow.into.bias.zero_()  # type: ignore[union-attr]
        flow.positions.zero_()
        flow.out.weight.copy_(torch.eye(4))
    picture = torch.arange(24.0).view(1, 1, 4, 6) ** 1.5
    found = flow(picture, torch.zeros(1), of(1))
    for top in (0, 2):
        for left in (0, 2, 4):
            patch, own = (
                values[0, 0, top : top + 2, left : left + 2].flatten()
                for values in (picture, found)
            )
            torch.testing.assert_close(own, torch.nn.functional.layer_norm(patch, (4,)))


def test_every_weight_learns_once_it_is_awake() -> None:
    flow = woken(transformer())
    flow(torch.randn(2, 3, 8, 8), torch.tensor([0.2, 0.7]), of(2)).square().sum().backward()
    assert [n for n, w in flow.named_parameters() if w.grad is None or not w.grad.any()] == []


def test_it_learns_to_draw_what_the_features_say_and_not_otherwise() -> None:
    """Two pictures; which one follows from the Features: a quarter light in one corner."""
    torch.manual_seed(0)
    task = learned(FlowTransformer(2, SHAPE, patch=2, width=32, layers=2, heads=2), 4e-3, 300)
    drawn = drawn_as_asked(task)
    torch.testing.assert_close(drawn, task.predict(Features.of_vectors(torch.eye(2))))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"side": 4}, "'side' must be between 8 and 4096"),
        ({"side": 30}, "A side of 30 pixels does not divide into patches of 4; choose"),
        ({"width": 30, "heads": 4}, "A width of 30 cannot be shared by 4 heads"),
        ({"unconditioned": 1.5}, "'unconditioned' must be"),
        ({"patch": 0}, "'patch' must be"),
        ({"network": "unet", "width": 40}, "width is a multiple of 16, and 40 is none; choose 48"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DrawConfig(**settings)  # type: ignore[arg-type]


def test_what_does_not_divide_into_patches() -> None:
    with pytest.raises(ConfigError, match="has 4 by 6 cells, which do not divide into"):
        FlowTransformer(5, Shape(4, 4, 6), patch=4, width=8, layers=1, heads=1)
