"""Segmenting: probabilities, and its losses by hand."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_maps import MAPS, features

from plait.errors import ConfigError
from plait.losses import boundary_loss, dice_loss, pixel_cross_entropy
from plait.tasks.mask_decoder import MaskDecoder
from plait.tasks.segment import VOID, Segment
from plait.tasks.segment_config import SegmentConfig

SMALL = {"side": 32, "width": 16, "heads": 2, "dropout": 0.0}


def task(phrases: bool = False, **settings: object) -> Segment:
    torch.manual_seed(1)
    config = SegmentConfig(**(SMALL | settings))  # type: ignore[arg-type]
    classes, asks = 2 if phrases else 3, phrases and config.presence > 0
    made = Segment(MaskDecoder(12, MAPS, 0, classes, config, 4, asks), config)
    for weight in made.parameters():  # FiLM begins at zero, and would hide what it reads
        torch.nn.init.normal_(weight, std=0.1)
    return made.eval()


def test_every_pixel_has_probabilities() -> None:
    for phrases in (False, True):
        found = task(phrases).predict(features())
        assert found.shape == (2, 2 if phrases else 3, 32, 32)
        assert torch.allclose(found.sum(dim=1), torch.ones(2, 32, 32))


@pytest.mark.parametrize("phrases", [False, True])
def test_gradients_reach_every_weight(phrases: bool) -> None:
    made = task(phrases)
    target = torch.randint(0, 2 if phrases else 3, (2, 32, 32), dtype=torch.uint8)
    made.loss(features(), target, torch.ones(2)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


def test_a_row_without_weight_does_not_count() -> None:
    made, target = task(), torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8)
    both = made.loss(features(), target, torch.tensor([1.0, 0.0]))
    target[1] = 0
    assert made.loss(features(), target, torch.tensor([1.0, 0.0])).item() == pytest.approx(
        both.item()
    )


def test_void_pixels_do_not_count() -> None:
    made, target = task(), torch.zeros(2, 32, 32, dtype=torch.uint8)
    target[:, :, 16:] = VOID
    scores = made.decoder(features())[0].detach()
    other = scores.clone()
    other[:, :, :, 16:] = 7.0
    for loss in (
        lambda s: pixel_cross_entropy(s, target, VOID),
        lambda s: dice_loss(s.softmax(dim=1), target, VOID),
    ):
        assert torch.allclose(loss(scores), loss(other))


def test_cross_entropy_and_dice_by_hand() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet([1, 2, 3], (1, 2, 2)).transpose(0, 3, 1, 2)
    target = torch.tensor([[[0, 1], [VOID, 1]]], dtype=torch.uint8)
    p = torch.from_numpy(shares)
    known = -np.log([shares[0, 0, 0, 0], shares[0, 1, 0, 1], shares[0, 1, 1, 1]]).mean()
    assert pixel_cross_entropy(p.log(), target, VOID).item() == pytest.approx(known)
    counts, each = np.array([[0, 0], [0, 1], [1, 1]]), []
    for number in range(3):
        own = np.array([shares[0, number, y, x] for y, x in counts])
        truth = np.array([[0, 1, 1][place] == number for place in range(3)], float)
        each.append((2 * (own * truth).sum() + 1) / (own.sum() + truth.sum() + 1))
    assert dice_loss(p, target, VOID).item() == pytest.approx(1 - np.mean(each))


def test_boundaries_that_lie_alike_cost_nothing() -> None:
    target = torch.zeros(1, 16, 16, dtype=torch.uint8)
    target[:, 4:10, 4:10] = 1

    def shares(move: int) -> torch.Tensor:
        moved = torch.roll(target, move, dims=2)
        return torch.nn.functional.one_hot(moved.long(), 2).permute(0, 3, 1, 2).float()

    assert boundary_loss(shares(0), target, VOID).item() == pytest.approx(0, abs=1e-5)
    costs = [boundary_loss(shares(move), target, VOID).item() for move in (1, 2, 4)]
    assert costs == sorted(costs)
    assert costs[-1] > 0.3
    assert boundary_loss(shares(0), torch.zeros_like(target), VOID).item() == 0


def test_whether_anything_is_meant_by_hand() -> None:
    """The loss of a row of nothing, and what is left of its pixels."""
    made, none = task(phrases=True), torch.zeros(2, 32, 32, dtype=torch.uint8)
    plain = replace_presence(made, 0.0)
    scores, meant = made.decoder(features())
    assert meant is not None
    weight, there = torch.tensor([1.0, 3.0]), none.clone()
    there[1, 5, 5] = 1
    for target, sign in ((none, torch.tensor([1.0, 1.0])), (there, torch.tensor([1.0, -1.0]))):
        added = made.loss(features(), target, weight) - plain.loss(features(), target, weight)
        expected = 0.5 * ((meant * sign).exp().log1p() * weight).sum() / 4
        assert added.item() == pytest.approx(expected.item(), rel=1e-4)
    share = scores.softmax(dim=1)[:, 1] * meant.sigmoid()[:, None, None]
    assert torch.allclose(made.predict(features())[:, 1], share)


def replace_presence(made: Segment, weight: float) -> Segment:
    """Return the task without the loss of whether anything is meant."""
    plain = copy.copy(made)
    plain.config = replace(made.config, presence=weight)
    return plain


def test_void_is_nothing_that_is_meant() -> None:
    made, weight = task(phrases=True), torch.ones(2)
    target = torch.zeros(2, 32, 32, dtype=torch.uint8)
    plain = replace_presence(made, 0.0)
    nothing = made.loss(features(), target, weight) - plain.loss(features(), target, weight)
    target[:, :8] = VOID
    void = made.loss(features(), target, weight) - plain.loss(features(), target, weight)
    assert void.item() == pytest.approx(nothing.item(), rel=1e-4)
    target[:] = VOID  # of which nothing is known
    assert made.loss(features(), target, weight) == plain.loss(features(), target, weight)


def test_only_phrases_may_mean_nothing() -> None:
    assert task().decoder.presence is None
    assert task(phrases=True, presence=0.0).decoder.presence is None
    assert task(phrases=True).decoder.presence is not None


def test_what_is_refused() -> None:
    with pytest.raises(ConfigError, match="'side' must be a multiple of 32, found 50"):
        SegmentConfig(side=50)
    with pytest.raises(ConfigError, match="'width' must be a multiple of 8, found 20"):
        SegmentConfig(width=20)
    with pytest.raises(ConfigError, match="width of 40 cannot be shared by 8 heads"):
        SegmentConfig(width=40, heads=8)
    assert SegmentConfig(width=40, heads=8, layers=0).layers == 0
