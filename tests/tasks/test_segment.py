"""Segmenting: what the decoder reads, its losses by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from plait.errors import ConfigError
from plait.losses import boundary_loss, dice_loss, pixel_cross_entropy
from plait.tasks.segment import VOID, Segment, SegmentConfig
from plait.types import Features

MAPS = (8, 16, 24)
SMALL = {"side": 32, "width": 16, "heads": 2, "dropout": 0.0}


def features(seed: int = 0, words: float = 1.0) -> Features:
    """Two rows: a picture of 2 x 2 cells and three maps, and three tokens of words."""
    made = torch.Generator().manual_seed(seed)
    tokens = torch.randn(2, 7, 12, generator=made)
    tokens = torch.cat([tokens[:, :4], words * tokens[:, 4:]], dim=1)
    own = Features.of_tokens(tokens, torch.ones(2, 7).bool())
    maps = tuple(
        torch.randn(2, d, s, s, generator=made) for d, s in zip(MAPS, (8, 4, 2), strict=True)
    )
    return replace(own, source=torch.tensor([[0] * 4 + [1] * 3] * 2), maps=maps)


def task(**settings: object) -> Segment:
    torch.manual_seed(1)
    made = Segment(12, MAPS, 0, 3, SegmentConfig(**(SMALL | settings)))  # type: ignore[arg-type]
    for weight in made.parameters():  # FiLM begins at zero, and would hide what it reads
        torch.nn.init.normal_(weight, std=0.1)
    return made.eval()


def test_every_pixel_has_probabilities() -> None:
    found = task().predict(features())
    assert found.shape == (2, 3, 32, 32)
    assert torch.allclose(found.sum(dim=1), torch.ones(2, 32, 32))


@pytest.mark.parametrize(
    ("modulate", "attend", "reads"),
    [(True, False, True), (False, True, True), (False, False, False)],
)
def test_words_reach_pixels_by_modulation_and_by_attention(
    modulate: bool, attend: bool, reads: bool
) -> None:
    made = task(modulate=modulate, attend=attend)
    one, other = made(features()), made(features(words=-1.0))
    assert (not torch.allclose(one, other)) == reads


def test_the_pictures_own_tokens_are_taken_back_to_their_cells() -> None:
    """The fused token of the last cell changes pixels most in its own quarter."""
    made, own = task(modulate=False, attend=False), features()
    tokens = own.tokens.clone()
    tokens[:, 3] = -tokens[:, 3]
    with torch.no_grad():
        change = (made(replace(own, tokens=tokens)) - made(own)).abs().sum(dim=(0, 1))
    quarters = [change[:16, :16], change[:16, 16:], change[16:, :16], change[16:, 16:]]
    assert int(torch.stack([q.mean() for q in quarters]).argmax()) == 3


def test_gradients_reach_every_weight() -> None:
    made = task()
    target = torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8)
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
    scores = made(features()).detach()
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


@pytest.mark.parametrize(("finest", "more"), [(2, 0), (4, 0), (8, 1), (14, 1), (16, 2), (32, 3)])
def test_coarse_maps_are_enlarged_step_by_step(finest: int, more: int) -> None:
    made = Segment(12, (24,), 0, 3, SegmentConfig(**SMALL), finest)  # type: ignore[arg-type]
    assert len(made.larger) == more
    own = features()
    assert own.maps is not None
    assert made(replace(own, maps=own.maps[-1:])).shape == (2, 3, 32, 32)


def test_what_is_refused() -> None:
    with pytest.raises(ConfigError, match="'side' must be a multiple of 32, found 50"):
        SegmentConfig(side=50)
    with pytest.raises(ConfigError, match="'width' must be a multiple of 8, found 20"):
        SegmentConfig(width=20)
