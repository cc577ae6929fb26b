"""What each modality contributed to a prediction: Shapley values over the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

import numpy as np

from plait.errors import ConfigError

MOST_PLAYERS = 12
"""Sources that are told apart: every subset of them is predicted once."""

Predict = Callable[[frozenset[str]], np.ndarray]


def shapley(players: Sequence[str], predict: Predict) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the prediction with nothing known, and each player's exact Shapley value.

        phi_i = sum over S without i of |S|! (m - |S| - 1)! / m! * (v(S + i) - v(S))

    Missing is normal in plait, so v(S) is the model's own prediction with the rest missing; nothing
    is replaced by an average or by another row. Follows Shapley (1953).

    Args:
        players: sources, or groups of them.
        predict: (n c) predictions with only the given players known.

    Returns:
        (n c) of the empty set, and (n c) by player; together they add up to the full prediction.

    Raises:
        ConfigError: for more players than can be told apart.
    """
    m = len(players)
    if m > MOST_PLAYERS:
        raise ConfigError(
            f"Explaining {m} sources needs {2**m:,} predictions a row; at most {MOST_PLAYERS} "
            "sources can be told apart. Ignore some columns, or explain by modality."
        )
    subsets = [frozenset(s) for size in range(m + 1) for s in combinations(players, size)]
    value = {subset: predict(subset) for subset in subsets}
    contributions = {}
    for player in players:
        contributions[player] = sum(
            (
                factorial(len(s)) * factorial(m - len(s) - 1) / factorial(m)
                * (value[s | {player}] - value[s])
                for s in subsets
                if player not in s
            ),
            start=np.zeros_like(value[frozenset()]),
        )  # fmt: skip
    return value[frozenset()], contributions
