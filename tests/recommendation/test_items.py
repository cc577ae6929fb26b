"""The item tower: content, identities that are hidden, and vectors that are kept."""

from __future__ import annotations

import pytest
import torch

from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.recommendation.items import IDENTITY, Item, ItemTower
from plait.types import Features

KNOWN = torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0])


def tower(identity: int = 4, hidden: float = 0.0) -> ItemTower:
    torch.manual_seed(0)
    widths = {"words": 3, **({IDENTITY: identity} if identity else {})}
    made = ItemTower(Concat(widths, FusionConfig()), 6, KNOWN, hidden)
    words = torch.randn(5, 3)
    words[2] = words[0]
    made.content = {"words": Features.of_vectors(words)}
    return made.eval()


def test_identities_tell_items_of_the_same_content_apart() -> None:
    made = tower()
    found = made(torch.arange(5))
    assert found.shape == (5, 6)
    assert not torch.allclose(found[0], found[2])
    alone = tower(identity=0)(torch.arange(5))
    torch.testing.assert_close(alone[0], alone[2])


def test_an_item_that_nobody_chose_has_no_identity() -> None:
    made = tower()
    found = made(torch.tensor([2, 4]))
    new = made.of({"words": made.content["words"].take(torch.tensor([2, 4]))}, None)
    torch.testing.assert_close(found, new)
    made.identities.weight.data[2] += 5  # type: ignore[union-attr,operator]
    torch.testing.assert_close(made(torch.tensor([2, 4])), found)
    made.identities.weight.data[0] += 5  # type: ignore[union-attr,operator]
    assert not torch.allclose(made(torch.tensor([0])), tower()(torch.tensor([0])))


def test_identities_are_hidden_in_training_only() -> None:
    made = tower(hidden=0.5)
    numbers = torch.zeros(400, dtype=torch.long)
    bare = made.of({"words": made.content["words"].take(numbers[:1])}, None)[0]
    hidden = torch.isclose(made.train()(numbers), bare).all(dim=1).float().mean()
    assert 0.4 < hidden < 0.6
    assert not torch.isclose(made.eval()(numbers), bare).all(dim=1).any()


def test_an_item_without_anything_is_zero() -> None:
    made = tower()
    made.content = {"words": made.content["words"].keep(torch.zeros(5, dtype=torch.bool))}
    found = made(torch.arange(5))
    assert found.any(dim=1).tolist() == [True, True, False, True, False]


def test_vectors_are_kept_with_the_weights() -> None:
    made = tower()
    before = made(torch.arange(5)).detach()
    made.keep()
    made.content = {}
    torch.testing.assert_close(made(torch.tensor([3, 1])), before[[3, 1]])
    other = ItemTower(made.fusion.__class__(made.fusion.widths, FusionConfig()), 6,
                      torch.zeros(5), 0.0)  # fmt: skip
    other.load_state_dict(made.state_dict())
    torch.testing.assert_close(other.eval()(torch.arange(5)), before)


def test_the_encoder_of_items() -> None:
    made = tower()
    encoder = Item(made)
    assert encoder.preprocess(3) == 3
    assert encoder.width == 6
    found = encoder([3, None, 0, 3])
    assert found.present.tolist() == [True, False, True, True]
    torch.testing.assert_close(found.pooled[[0, 2, 3]], made(torch.tensor([3, 0, 3])))


def test_gradient_reaches_content_and_identities() -> None:
    made = tower().train()
    made(torch.tensor([0, 1])).square().sum().backward()
    assert made.identities is not None
    assert made.identities.weight.grad is not None
    assert made.identities.weight.grad[:2].any()
    assert not made.identities.weight.grad[2:].any()
    assert pytest.approx(0) != made.to_space[1].weight.grad.abs().sum().item()
