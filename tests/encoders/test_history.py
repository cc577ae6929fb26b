"""Histories: their order counts with attention, and nothing but the items in them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from plait.encoders.history import History, HistoryConfig
from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.recommendation.items import ItemTower
from plait.types import Features


def history(reads: Literal["attention", "mean"], longest: int = 4) -> History:
    torch.manual_seed(0)
    tower = ItemTower(Concat({"words": 5}, FusionConfig()), 8, torch.ones(9), 0.0)
    tower.content = {"words": Features.of_vectors(torch.randn(9, 5))}
    return History(tower, HistoryConfig(reads, longest, 2, 2)).eval()


def rows(*items: list[int]) -> list[np.ndarray | None]:
    made = history("mean")
    return [made.preprocess(np.array(own)) for own in items]


def test_the_mean_of_the_item_towers_vectors() -> None:
    made = history("mean")
    found = made(rows([3, 1], [], [5, 5, 2]))
    vectors = made.tower(torch.arange(9))
    torch.testing.assert_close(found.pooled[0], (vectors[3] + vectors[1]) / 2)
    torch.testing.assert_close(found.pooled[2], (2 * vectors[5] + vectors[2]) / 3)
    assert found.present.tolist() == [True, False, True]


def test_only_the_newest_are_read() -> None:
    assert history("mean").preprocess([1, 2, 3, 4, 5, 6]).tolist() == [3, 4, 5, 6]
    assert history("mean").preprocess(np.zeros(0, dtype=np.int64)) is None


def test_the_order_counts_with_attention() -> None:
    found = history("attention")(rows([1, 2, 3], [3, 2, 1])).pooled
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    found = history("mean")(rows([1, 2, 3], [3, 2, 1])).pooled
    torch.testing.assert_close(found[0], found[1])


def test_rows_do_not_see_one_another_or_their_padding() -> None:
    made = history("attention")
    together = made(rows([1, 2, 3, 4], [7], [2, 8])).pooled
    for place, own in enumerate(([1, 2, 3, 4], [7], [2, 8])):
        torch.testing.assert_close(together[place], made(rows(own)).pooled[0])


def test_every_item_counts() -> None:
    made = history("attention")
    base = made(rows([1, 2, 3, 4])).pooled[0]
    for place in range(4):
        changed = [1, 2, 3, 4]
        changed[place] = 8
        assert not torch.allclose(made(rows(changed)).pooled[0], base, atol=1e-4)


def test_the_tower_is_not_saved_twice() -> None:
    made = history("attention")
    assert not any("tower" in name for name in made.state_dict())
    assert made.width == 8
    made.train()(rows([1, 2])).pooled.sum().backward()
    assert made.tower.to_space[1].weight.grad.abs().sum() > 0


def test_the_newest_is_the_nearest_whatever_the_length(monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = history("attention"), []

    def pooled(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen.append((tokens, mask))
        return tokens[:, 0]

    monkeypatch.setattr(made, "_pooled", pooled)
    made(rows([1, 2, 3], [7, 4]))
    (tokens, mask), vectors = seen[0], made.tower(torch.arange(9))
    torch.testing.assert_close(tokens[0], vectors[[3, 2, 1]])
    torch.testing.assert_close(tokens[1, :2], vectors[[4, 7]])
    assert mask.tolist() == [[True] * 3, [True, True, False]]
