"""What makes masks: what it reads, that pictures are decoded once, that relations are learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_maps import MAPS, features

from plait.maps import Maps
from plait.metrics.segmentation import generalised_iou
from plait.tasks.mask_decoder import MaskDecoder
from plait.tasks.segment import Segment
from plait.tasks.segment_config import SegmentConfig
from plait.types import Features

SMALL = {"side": 32, "width": 16, "heads": 2, "dropout": 0.0}
STEPS = 400


def decoder(presence: bool = False, finest: int = 4, **settings: object) -> MaskDecoder:
    torch.manual_seed(1)
    config = SegmentConfig(**(SMALL | settings))  # type: ignore[arg-type]
    made = MaskDecoder(12, MAPS, 0, 3, config, finest, presence)
    for weight in made.parameters():  # FiLM begins at zero, and would hide what it reads
        torch.nn.init.normal_(weight, std=0.1)
    return made.eval()


@pytest.mark.parametrize(
    ("modulate", "layers", "reads"), [(True, 0, True), (False, 1, True), (False, 0, False)]
)
def test_words_reach_pixels_by_modulation_and_by_attention(
    modulate: bool, layers: int, reads: bool
) -> None:
    made = decoder(modulate=modulate, layers=layers)
    (one, _), (other, _) = made(features()), made(features(words=-1.0))
    assert (not torch.allclose(one, other)) == reads


def test_the_pictures_own_tokens_are_taken_back_to_their_cells() -> None:
    """The fused token of the last cell changes pixels most in its own quarter."""
    made, own = decoder(modulate=False, layers=0), features()
    tokens = own.tokens.clone()
    tokens[:, 3] = -tokens[:, 3]
    with torch.no_grad():
        change = (made(replace(own, tokens=tokens))[0] - made(own)[0]).abs().sum(dim=(0, 1))
    quarters = [change[:16, :16], change[:16, 16:], change[16:, :16], change[16:, 16:]]
    assert int(torch.stack([q.mean() for q in quarters]).argmax()) == 3


def test_padding_and_missing_words_change_nothing() -> None:
    made, own = decoder(), features()
    hidden = replace(own, mask=own.mask.clone())
    hidden.mask[:, 5:] = False
    other = replace(hidden, tokens=torch.where(hidden.mask[..., None], own.tokens, 7.0))
    assert torch.allclose(made(hidden)[0], made(other)[0], atol=1e-6)
    assert not torch.allclose(made(hidden)[0], made(own)[0])


def test_what_depends_on_a_picture_alone_is_made_once() -> None:
    made, own = decoder(presence=True), features()
    assert own.maps is not None
    rows = torch.tensor([1, 0, 1, 1])
    several = own.take(rows)
    apart = replace(several, maps=Maps(tuple(s[rows] for s in own.maps.scales), torch.arange(4)))
    seen: list[int] = []
    made.laterals[0].register_forward_hook(lambda *given: seen.append(len(given[2])))
    for one, other in zip(made(several), made(apart), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    assert seen == [2, 4]


def test_tokens_that_a_fusion_has_joined_are_read_as_words() -> None:
    made, own = decoder(modulate=False), features()
    joined = Features.of_vectors(own.pooled)
    one, other = (made(replace(part, maps=own.maps))[0]
                  for part in (joined, Features.of_vectors(-own.pooled)))  # fmt: skip
    assert one.shape == (2, 3, 32, 32)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(("finest", "more"), [(2, 0), (4, 0), (8, 1), (14, 1), (16, 2), (32, 3)])
def test_coarse_maps_are_enlarged_step_by_step(finest: int, more: int) -> None:
    config = SegmentConfig(**SMALL)  # type: ignore[arg-type]
    made = MaskDecoder(12, (24,), 0, 3, config, finest, presence=False)
    assert len(made.larger) == more
    own = features()
    assert own.maps is not None
    maps = replace(own.maps, scales=own.maps.scales[-1:])
    assert made(replace(own, maps=maps))[0].shape == (2, 3, 32, 32)


def scenes(count: int, seed: int) -> tuple[Features, torch.Tensor]:
    """Rows of a picture with a cap and an owl, and a word: the owl left of the cap, or right of it.

    Where it is not, nothing is meant. Things are features of single cells, most often too far from
    one another for convolutions; two rows share a picture, and each has its own mask.
    """
    random = np.random.default_rng(seed)
    maps, masks = np.zeros((count, 2, 16, 16)), np.zeros((2 * count, 32, 32), np.uint8)
    for number in range(count):
        (cap, owl), heights = random.permutation(16)[:2], random.integers(0, 16, 2)
        maps[number, [0, 1], heights, [cap, owl]] = 1
        top, left = 2 * int(heights[1]), 2 * int(owl)
        masks[2 * number + int(owl > cap), top : top + 2, left : left + 2] = 1
    words = torch.eye(2).repeat(count, 1)[:, None]
    rows = Features.of_tokens(words, torch.ones(2 * count, 1).bool())
    shared = torch.arange(count).repeat_interleave(2)
    held = Maps((torch.from_numpy(maps).float(),), shared)
    return replace(rows, source=rows.source + 1, maps=held), torch.from_numpy(masks)


def test_where_things_are_from_one_another_is_learned() -> None:
    """Who knows where the owl is, and not where the cap is, has 0.77 at most; an empty mask 0.5."""
    torch.manual_seed(0)
    config = SegmentConfig(side=32, width=16, heads=2, dropout=0.0, boundary=0.0)
    task = Segment(MaskDecoder(2, (2,), 0, 2, config, finest=2, presence=True), config)
    learner = torch.optim.AdamW(task.parameters(), 2e-3)
    for step in range(STEPS):
        rows, target = scenes(12, step)
        loss = task.loss(rows, target, torch.ones(24))
        learner.zero_grad()
        loss.backward()
        learner.step()
    rows, target = scenes(100, STEPS)
    with torch.no_grad():
        said = task.eval().predict(rows)[:, 1] > 0.5
    both, either = (said & (target > 0)).sum(dim=(1, 2)), (said | (target > 0)).sum(dim=(1, 2))
    assert generalised_iou(both.numpy(), either.numpy()) > 0.9
