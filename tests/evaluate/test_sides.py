"""Vectors and tokens that are compared; blocks change nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.contrastive import late_cosines
from plait.evaluate.retrieve import retrieve
from plait.evaluate.sides import Tokens, Vectors
from plait.types import Features


def tokens(rows: int, most: int, seed: int) -> Tokens:
    """Return rows of one to `most` tokens; what stands behind them must not count."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, most, 5, generator=generator)
    mask = torch.arange(most) < torch.arange(rows)[:, None] % most + 1
    return Tokens(Features.of_tokens(values, mask))


def by_hand(one: Features, other: Features) -> float:
    """Return the score of the first row of each."""
    a, b = (part.tokens[0][part.mask[0]].numpy() for part in (one, other))
    a, b = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (a, b))
    return float((a @ b.T).max(axis=1).mean())


def test_tokens_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tokens(9, 3, 0), tokens(11, 4, 1)
    sizes = []

    def seen(*parts: torch.Tensor) -> torch.Tensor:
        sizes.append(len(parts[0]) * parts[0].shape[1] * len(parts[2]) * parts[2].shape[1])
        return late_cosines(*parts)

    monkeypatch.setattr("plait.evaluate.sides.late_cosines", seen)
    monkeypatch.setattr("plait.evaluate.sides.AT_ONCE", 60)
    found = one.scores(other)
    assert len(sizes) > 10
    assert max(sizes) <= 60
    assert found.shape == (9, 11)
    for row, column in ((0, 0), (4, 7), (8, 10)):
        alone = (one.take(np.array([row])).features, other.take(np.array([column])).features)
        assert found[row, column] == pytest.approx(by_hand(*alone), abs=1e-6)
    assert not np.allclose(found, other.scores(one).T, atol=0.05)  # each side asks for itself


def test_a_side_of_single_tokens_is_compared_with_means() -> None:
    one, other = tokens(4, 1, 0), tokens(6, 3, 1)
    alone = one.features.tokens[:, 0].numpy()
    means = np.stack([own[there].mean(dim=0).numpy() for own, there in
                      zip(other.features.tokens, other.features.mask, strict=True)])  # fmt: skip
    alone, means = (own / np.linalg.norm(own, axis=1, keepdims=True) for own in (alone, means))
    np.testing.assert_allclose(one.scores(other), alone @ means.T, atol=1e-6)
    np.testing.assert_allclose(other.scores(one), means @ alone.T, atol=1e-6)


def test_what_is_missing() -> None:
    own = tokens(5, 3, 0).features.keep(torch.tensor([True, False, True, True, False]))
    assert Tokens(own).missing.tolist() == [False, True, False, False, True]
    assert Vectors(np.array([[1.0, 0.0], [np.nan, 0.0]])).missing.tolist() == [False, True]


def test_search_by_tokens_finds_what_their_mean_cannot() -> None:
    """Two rows whose tokens have the same mean: one of four corners, one of the other four."""
    corners = torch.eye(4)
    rows = torch.stack([torch.cat([corners[:2], -corners[:2]]),
                        torch.cat([corners[2:], -corners[2:]])])  # fmt: skip
    side = Tokens(Features.of_tokens(rows, torch.ones(2, 4, dtype=torch.bool)))
    assert not side.features.pooled.any()
    numbers = np.arange(2.0)
    found = retrieve(("words", "photo"), (side, side), (numbers, numbers), numbers, 0)
    assert found.scores["recall@1"].value == 1
