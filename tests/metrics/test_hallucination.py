"""CHAIR, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plait.errors import ConfigError, TableError
from plait.metrics.hallucination import chair, chair_statistics

NAMES = {
    "dog": ["puppy"],
    "hot dog": [],
    "person": ["man", "woman", "men", "child"],
    "bench": [],
    "teddy bear": ["stuffed animal"],
    "bus": [],
    "baby": [],
    "dog house": [],
}


def test_by_hand() -> None:
    rows = chair_statistics(
        [
            "A man and two puppies on benches.",  # the benches are not there
            "A man eats a hot dog",
            "Two buses, a bus, babies and a stuffed animal!",
            "It is sunny",
        ],
        [["person", "dog"], ["person", "hot dog"], ["baby"], ["bus"]],
        NAMES,
    )
    assert rows.tolist() == [[1, 3, 1, 1], [0, 2, 0, 1], [3, 4, 1, 1], [0, 0, 0, 1]]
    assert chair(rows.sum(axis=0)).tolist() == [4 / 9, 2 / 4]
    np.testing.assert_allclose(chair(rows), [[1 / 3, 1], [0, 0], [3 / 4, 1], [0, 0]])


def test_a_longer_name_is_read_before_a_shorter_one() -> None:
    assert chair_statistics(["a hot dog"], [["hot dog"]], NAMES)[0, 0] == 0
    assert chair_statistics(["a hot dog"], [["dog"]], NAMES)[0, 0] == 1
    assert chair_statistics(["the dog houses"], [["dog house"]], NAMES)[0, :2].tolist() == [0, 1]


def test_what_is_asked_for_must_be_there() -> None:
    with pytest.raises(ConfigError, match="Object 'dogg' is not known. Did you mean 'dog'. Add"):
        chair_statistics(["a"], [["dogg"]], NAMES)
    with pytest.raises(ConfigError, match="'pup' stands for 'dog' and for 'seal': give it to one"):
        chair_statistics([], [], {"dog": ["pup"], "seal": ["pup"]})
    with pytest.raises(TableError, match="1 caption and 2 lists of objects: give one list"):
        chair_statistics(["a"], [[], []], NAMES)
