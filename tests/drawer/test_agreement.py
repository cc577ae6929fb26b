"""Agreement with what was asked for: by hand, beside chance, and without a space for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plait.data.loader import Source
from plait.data.table import Table
from plait.drawer.agreement import agreement
from plait.errors import ConfigError
from plait.types import Column, Modality

PICTURES = [np.full((4, 4, 3), level, np.uint8) for level in (0, 100, 200, 250)]
TABLE = Table.of({"name": list("abcd")})


class Vectors:
    """A space whose vectors are given."""

    def __init__(self, left: Any, right: Any, first: str = "picture") -> None:
        self.own = {first: np.asarray(left, float), "name": np.asarray(right, float)}
        image = Source(first, "image", (Column(first, Modality.IMAGE),))
        text = Source("name", "text", (Column("name", Modality.TEXT),))
        self.groups = {first: (image,), "name": (text,)}

    def vectors(self, table: Any, group: str, progress: Any) -> np.ndarray:
        return self.own[group][: len(table)]


def test_by_hand() -> None:
    left = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [np.nan, np.nan]]
    right = [[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [1.0, 0.0]]
    found = agreement(Vectors(left, right), "picture", TABLE, PICTURES)  # type: ignore[arg-type]
    cosines = np.array(left[:3]) @ np.array(right[:3]).T
    own = np.diag(cosines)
    others = (cosines.sum(axis=1) - own) / 2
    assert found.value == pytest.approx(own.mean())
    assert found.shuffled == pytest.approx(others.mean())
    assert found.gain.value == pytest.approx((own - others).mean())
    assert found.gain.low <= found.gain.value <= found.gain.high
    assert found.first == pytest.approx(1.0)


def test_a_picture_that_suits_every_prompt_gains_nothing() -> None:
    same = [[0.6, 0.8]] * 4
    right = [[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [0.6, 0.8]]
    found = agreement(Vectors(same, right), "picture", TABLE, PICTURES)  # type: ignore[arg-type]
    assert found.gain.value == pytest.approx(0.0)
    assert found.gain.low < 0 < found.gain.high


def test_what_cannot_be_compared() -> None:
    vectors = np.eye(4)
    with pytest.raises(ConfigError, match="it must compare 'picture' with something: fit it with"):
        agreement(Vectors(vectors, vectors, "photo"), "picture", TABLE, PICTURES)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Agreement needs two pictures at least"):
        agreement(Vectors(vectors, vectors), "picture", TABLE.take([0]), PICTURES[:1])  # type: ignore[arg-type]
