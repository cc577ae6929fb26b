"""Shapley values: a hand example, adding up, the limit."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from plait.errors import ConfigError
from plait.explain.modality import MOST_PLAYERS, shapley


def test_the_glove_game_by_hand() -> None:
    """Shapley's own: one left glove, two right ones; a pair is worth 1."""

    def worth(known: frozenset[str]) -> np.ndarray:
        return np.array([[float("left" in known and len(known) > 1)]])

    nothing, parts = shapley(["left", "right", "other"], worth)
    assert nothing == 0
    assert {name: value.item() for name, value in parts.items()} == pytest.approx(
        {"left": 2 / 3, "right": 1 / 6, "other": 1 / 6}
    )


@pytest.mark.parametrize("m", [1, 2, 4])
def test_adds_up_and_equals_the_mean_over_orders(m) -> None:
    players = [f"source {i}" for i in range(m)]
    rng = np.random.default_rng(0)
    table: dict[frozenset[str], np.ndarray] = {}

    def predict(known: frozenset[str]) -> np.ndarray:
        assert known not in table  # each subset is predicted once
        return table.setdefault(known, rng.random((5, 3)))

    nothing, parts = shapley(players, predict)
    assert len(table) == 2**m
    assert nothing + sum(parts.values()) == pytest.approx(table[frozenset(players)])
    expected = dict.fromkeys(players, 0.0)
    orders = list(permutations(players))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            expected[player] += (table[before | {player}] - table[before]) / len(orders)
    for player in players:
        assert parts[player] == pytest.approx(expected[player])


def test_too_many_players_are_refused() -> None:
    players = [str(i) for i in range(MOST_PLAYERS + 1)]
    with pytest.raises(ConfigError, match=r"Explaining 13 sources needs 8,192 predictions a row"):
        shapley(players, lambda known: np.zeros((1, 1)))
