"""The U-Net as a flow: what reaches its velocity, and that it learns what the Features say."""

from __future__ import annotations

import sys

import pytest
import torch
from corners import SHAPE, drawn_as_asked, learned

from plait.diffusion.flow_unet import FlowUNet
from plait.drawer.building import flow_of
from plait.drawing.flow import Shape
from plait.errors import MissingExtraError
from plait.tasks.draw_config import DrawConfig
from plait.types import Features


def small(side: int = 8, width_in: int = 5) -> FlowUNet:
    torch.manual_seed(0)
    return FlowUNet(width_in, Shape(3, side, side), width=16, sizes=2, heads=2)


def asked() -> Features:
    """Two rows of three tokens, the last of the second masked."""
    torch.manual_seed(1)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    return Features.of_tokens(torch.randn(2, 3, 5), mask, torch.randn(2, 5))


def test_everything_reaches_the_velocity_and_what_is_masked_does_not() -> None:
    flow, features = small().eval(), asked()
    picture, time = torch.randn(2, 3, 8, 8), torch.tensor([0.2, 0.7])
    with torch.no_grad():
        known = flow(picture, time, features)
        assert known.shape == (2, 3, 8, 8)
        assert not torch.allclose(known[0], flow(picture, time + 0.1, features)[0])
        other = features.tokens.clone()
        other[0, 2] += torch.arange(5.0)
        moved = flow(picture, time, features.with_tokens(other, features.pooled))
        assert not torch.allclose(known[0], moved[0], atol=1e-6)
        other = features.tokens.clone()
        other[1, 2] += torch.arange(5.0)  # masked
        moved = flow(picture, time, features.with_tokens(other, features.pooled))
        torch.testing.assert_close(known, moved)
        pooled = features.with_tokens(features.tokens, features.pooled + torch.arange(5.0))
        assert not torch.allclose(known[0], flow(picture, time, pooled)[0])


def test_sides_that_do_not_halve_and_rows_of_nothing() -> None:
    flow, features = small(7).eval(), asked()
    nothing = features.keep(torch.tensor([True, False]))
    with torch.no_grad():
        found = flow(torch.randn(2, 3, 7, 7), torch.tensor([0.2, 0.7]), nothing)
    assert found.shape == (2, 3, 7, 7)
    assert found.isfinite().all()


def test_every_weight_learns() -> None:
    flow = small()
    flow(torch.randn(2, 3, 8, 8), torch.tensor([0.2, 0.7]), asked()).square().sum().backward()
    assert [n for n, w in flow.named_parameters() if w.grad is None or not w.grad.any()] == []


def test_it_learns_to_draw_what_the_features_say_and_not_otherwise() -> None:
    """Two pictures; which one follows from the Features: a quarter light in one corner."""
    torch.manual_seed(0)
    config = DrawConfig(network="unet", side=8, width=32, layers=2, heads=2)
    flow = flow_of(2, SHAPE, config)
    assert isinstance(flow, FlowUNet)
    drawn_as_asked(learned(flow, 3e-3, 250))


def test_without_diffusers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtraError, match=r"A U-Net of diffusers needs .*'plait\[draw\]'"):
        small()
