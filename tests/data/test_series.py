"""Series and vectors from lists, texts, arrays and pandas; what is no such thing is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from plait.data.series import LONGEST, read_series, read_vector, usual_size
from plait.errors import CellError

NUMBERS = [
    [1, 2.5, None],
    np.array([1, 2.5, np.nan]),
    "1 2.5 nan",
    "[1, 2.5, NaN]",
    "1; 2.5; nan",
    pd.Series([1, 2.5, None]),
]


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_in_a_row(value) -> None:
    found = read_series(value)
    assert found.values.dtype == np.float32
    assert np.array_equal(found.values[:, 0], [1, 2.5, np.nan], equal_nan=True)
    assert found.times.tolist() == [0, 1, 2]
    if not isinstance(value, pd.Series):
        assert np.array_equal(read_vector(value), [1, 2.5, np.nan], equal_nan=True)


def test_several_numbers_a_step() -> None:
    for value in (
        "[[1, 2], [3, 4], [5, 6]]",
        [[1, 2], [3, 4], [5, 6]],
        np.arange(1, 7).reshape(3, 2),
    ):
        assert read_series(value, size=2).values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert usual_size([[[1, 2]], [[1, 2]], [1], "?"], series=True) == 2
    assert usual_size([[1, 2, 3], [1, 2], "1 2 3"], series=False) == 3
    assert usual_size(["?"], series=False) == 0


def test_times_are_sorted_and_begin_at_nothing() -> None:
    found = read_series({"values": [3, 1, 2], "times": [12.0, 10.0, 10.5]})
    assert found.values[:, 0].tolist() == [1, 2, 3]
    assert found.times.tolist() == [0, 0.5, 2]
    dates = pd.Series([1.0, 2.0], index=pd.to_datetime(["2026-01-01", "2026-01-02"]))
    assert read_series(dates).times.tolist() == [0, 86400]
    assert len(read_series(np.ones(LONGEST + 9)).values) == LONGEST


@pytest.mark.parametrize(("value", "message"), [
    ("high", "cannot be read as numbers"),
    (7, "cannot be read as numbers"),
    (["a"], "expected numbers, found|cannot be read as numbers"),
    ([], "there is no number in it"),
    ([None, None], "there is no number in it"),
    ([1, float("inf")], "a number in it is not finite"),
    (np.zeros((2, 2, 2)), "found 3 axes"),
    ([[1, 2, 3]], "3 numbers a step, expected 1"),
    ({"values": [1, 2], "times": [1]}, r"2 steps need as many times, found shape \(1,\)"),
])  # fmt: skip
def test_what_is_no_series(value, message) -> None:
    with pytest.raises(CellError, match=message):
        read_series(value, size=1)


@pytest.mark.parametrize(("value", "message"), [
    ([1, 2], "2 numbers, expected 3"),
    ([[1, 2, 3]], r"expected numbers in a row, found shape \(1, 3\)"),
    ([None, None, None], "there is no number in it"),
    ("1 2 x", "cannot be read as numbers"),
])  # fmt: skip
def test_what_is_no_vector(value, message) -> None:
    with pytest.raises(CellError, match=message):
        read_vector(value, size=3)
