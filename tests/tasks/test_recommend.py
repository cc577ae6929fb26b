"""The loss of a recommender, against float64 NumPy as the paper writes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from plait.contrastive import info_nce, log_expected
from plait.tasks.align import AlignTaskConfig
from plait.tasks.recommend import Recommend
from plait.types import Features

RANDOM = np.random.default_rng(0)
USER = np.array([0, 1, 2, 0, 3, 4])
ITEM = np.array([5, 2, 5, 1, 0, 3])
SHARE = np.array([0.1, 0.25, 0.05, 0.2, 0.0, 0.4])
WEIGHT = np.array([1.0, 0.5, 2.0, 1.0, 3.0, 0.7])
VECTORS = RANDOM.normal(size=(6, 2, 4))


def joined(vectors: np.ndarray = VECTORS) -> Features:
    tokens = torch.from_numpy(vectors)
    made = Features.of_tokens(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))
    return replace(made, source=torch.tensor([[0, 1]]).expand(len(tokens), 2))


def task() -> Recommend:
    return Recommend(AlignTaskConfig(temperature=0.2), torch.from_numpy(SHARE)).double()


def target() -> torch.Tensor:
    return torch.from_numpy(np.stack([USER, ITEM], axis=1))


def expected(vectors: np.ndarray, corrected: bool = True) -> float:
    unit = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    share, total = np.maximum(SHARE, 1e-9), 0.0
    for row in range(len(vectors)):
        others = (USER[row] != USER).sum()
        own = np.exp(unit[row, 0] @ unit[row, 1] / 0.2)
        negatives = 0.0
        for other in range(len(vectors)):
            if USER[row] != USER[other] and ITEM[row] != ITEM[other]:
                count = others * share[ITEM[other]] if corrected else 1.0
                negatives += np.exp(unit[row, 0] @ unit[other, 1] / 0.2) / count
        total += WEIGHT[row] * -np.log(own / (own + negatives))
    return total / WEIGHT.sum()


def test_the_loss_is_the_papers() -> None:
    found = task().loss(joined(), target(), torch.from_numpy(WEIGHT)).item()
    assert found == pytest.approx(expected(VECTORS), abs=1e-6)
    assert abs(found - expected(VECTORS, corrected=False)) > 0.01


def test_rows_that_lack_a_side_do_not_count() -> None:
    features = joined()
    mask = features.mask.clone()
    mask[1, 0] = mask[4, 1] = False
    partly = replace(features, mask=mask)
    rows = torch.tensor([0, 2, 3, 5])
    whole = task().loss(features.take(rows), target()[rows], torch.from_numpy(WEIGHT)[rows])
    found = task().loss(partly, target(), torch.from_numpy(WEIGHT))
    assert found.item() == pytest.approx(whole.item(), abs=1e-12)
    alone = task().loss(features.take(rows[:1]), target()[:1], torch.ones(1))
    assert alone.item() == 0


def test_scores_become_the_logarithm_of_what_is_chosen() -> None:
    """Users of whom nothing is known: s_j must be log q_j, as if all items were in every batch."""
    share = torch.tensor([0.5, 0.25, 0.15, 0.1], dtype=torch.float64)
    for corrected, tolerance in ((True, 0.03), (False, None)):
        generator = torch.Generator().manual_seed(0)
        own = Recommend(AlignTaskConfig(), share)
        logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.Adam([logits], 0.02)
        for _ in range(500):
            item = torch.multinomial(share, 64, replacement=True, generator=generator)
            target = torch.stack([torch.arange(64), item], dim=1)
            same = target[:, None] == target[None]
            often = log_expected(own.log_share[target[:, 1].long()], ~same[:, :, 0])
            expected_counts = often if corrected else 0
            scores = logits[item].expand(64, 64) - expected_counts
            loss = info_nce(scores, same.any(dim=2)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found = logits.detach().softmax(dim=0)
        if tolerance is not None:
            np.testing.assert_allclose(found, share, atol=tolerance)
        else:
            assert (found - share).abs().max() > 0.08
