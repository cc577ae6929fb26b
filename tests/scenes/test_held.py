"""What training never sees."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from plait.errors import ConfigError
from plait.scenes.held import drawn_value, held_out, part_of

NAMES = [f"thing{number}" for number in range(10)]
VALUES = (("red", "blue"), ("left", "right", "up", "down", "away"))


def test_one_value_of_each_kind_a_name_all_equally_often() -> None:
    held = held_out(NAMES, VALUES, 3)
    assert len(held) == 20
    for values, often in zip(VALUES, (5, 2), strict=True):
        assert Counter(value for _, value in held if value in values) == dict.fromkeys(
            values, often
        )
        assert {name for name, value in held if value in values} == set(NAMES)
    assert held == held_out(NAMES, VALUES, 3) != held_out(NAMES, VALUES, 4)


def test_held_out_values_are_drawn_only_where_wanted() -> None:
    random, held = np.random.default_rng(0), {("dog", "blue")}
    seen = Counter(drawn_value("dog", ["red", "blue"], held, False, random) for _ in range(50))
    assert seen == {"red": 50}
    new = Counter(drawn_value("dog", ["red", "blue"], held, True, random) for _ in range(900))
    assert 760 < new["blue"] < 840  # eight ninths
    other = Counter(drawn_value("cat", ["red", "blue"], held, False, random) for _ in range(100))
    assert min(other.values()) > 30


def test_parts() -> None:
    parts = Counter(part_of(number, 50) for number in range(50))
    assert parts == {("train", "seen"): 40, ("test", "seen"): 5, ("test", "new"): 5}
    with pytest.raises(ConfigError, match="5 pictures or clips are too few"):
        part_of(0, 5)
