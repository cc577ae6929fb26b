"""One label a cell, or several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from plait.data.category import read_categories, read_category, split_labels
from plait.errors import CellError


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        (" red ", "red"),
        (3, "3"),
        (3.0, "3"),
        ("3", "3"),
        (np.float32(3), "3"),
        (np.int8(3), "3"),
        (2.5, "2.5"),
        (True, "True"),
        ("cafe\u0301", "café"),
        ("", ""),
    ],
)
def test_labels(cell: Any, label: str) -> None:
    assert read_category(cell) == label


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (math.nan, "not a finite number: nan"),
        (math.inf, "not a finite number: inf"),
        (b"red", "expected a category, found bytes"),
        ({"a": 1}, "expected a category, found dict"),
        (["a"], "expected a category, found list"),
        ({"a"}, "expected a category, found set"),
        (np.zeros(2), "expected a category, found ndarray"),
        ("x" * 1001, "a label of 1,001 characters, more than 1,000"),
    ],
)
def test_what_is_no_label(cell: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        read_category(cell)


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("b|a|b", ("a", "b")),
        ("b; a", ("a", "b")),
        ("b, a, ", ("a", "b")),
        ("a, b|c", ("a, b", "c")),
        ("a b", ("a b",)),
        (["b", "a", None], ("a", "b")),
        (("a", 1), ("1", "a")),
        ({"a"}, ("a",)),
        (np.array(["b", "a"]), ("a", "b")),
        ('["b", "a, c"]', ("a, c", "b")),
        ("[1, 2]", ("1", "2")),
        ("['b', 'a']", ("a", "b")),
        ("[]", ()),
        ([], ()),
        ("", ()),
        ("|", ()),
        ("[" * 100_000 + "]", ("[" * 99_999,)),
    ],
)
def test_several_labels(cell: Any, labels: tuple[str, ...]) -> None:
    if len(str(cell)) > 1000:
        assert split_labels(cell) == list(labels)
    else:
        assert read_categories(cell) == labels


def test_a_bad_label_of_several() -> None:
    with pytest.raises(CellError, match="expected a category, found list"):
        read_categories([["a"], "b"])
