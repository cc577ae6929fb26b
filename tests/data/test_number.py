"""Numbers, also as people write them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.data.number import parse_number, read_number, unit_of
from plait.errors import CellError


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" -3.5 ", -3.5),
        ("+7", 7),
        ("−7", -7),
        (".5", 0.5),
        ("1e3", 1000),
        ("1.5E-2", 0.015),
        ("1,234", 1234),
        ("868,378", 868378),
        ("1,234,567.89", 1234567.89),
        ("1\u00a0234", 1234),
        ("1'234", 1234),
        ("12.5%", 0.125),
        ("12 %", 0.12),
        ("$99", 99),
        ("$ 1,299.00", 1299),
        ("-$5.50", -5.5),
        ("$-5.50", -5.5),
        ("US$5", 5),
        ("€12", 12),
        ("12 €", 12),
        ("EUR 12", 12),
        ("Rs. 500", 500),
        ("81 min", 81),
        ("180cm", 180),
        ("65 kg", 65),
        ("10k", 10_000),
        ("$1.2M", 1_200_000),
        ("3 m", 3),
        ("5 MB", 5),
        ("0", 0),
        ("007", 7),
        ("inf", math.inf),
    ],
)
def test_texts_that_are_numbers(text: str, number: float) -> None:
    assert parse_number(text) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", " ", "red", "A4", "B12", "1.2.3", "12:30", "1-2", "2020-01-02", "1,23", "0,125", "12,5"]
    + ["--5", "-$-5", ".", "-", "$", "%", "e5", "1 2", "1,2345", "5 apples each", "(5)"],
)
def test_texts_that_are_none(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [("5", ""), ("$5", "$"), ("5 %", "%"), ("81 Min", "min"), ("10k", ""), ("red", "")],
)
def test_units(text: str, unit: str) -> None:
    assert unit_of(text) == unit


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_survives_being_written(number: float) -> None:
    assert read_number(repr(number)) == number
    assert read_number(number) == number


@settings(max_examples=100, deadline=None)
@given(st.integers(-(10**12), 10**12))
def test_every_whole_number_survives_thousands_marks(number: int) -> None:
    assert read_number(f"{number:,}") == number
    assert read_number(f"{number:,} km") == number
    assert read_number(f"${number:,}") == number


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20))
def test_no_text_breaks_the_parser(text: str) -> None:
    number = parse_number(text)
    assert number is None or isinstance(number, float)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (True, 1),
        (np.bool_(False), 0),
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (np.float32(0.5), 0.5),
        (Decimal("1.5"), 1.5),
        (Fraction(1, 4), 0.25),
    ],
)
def test_cells_that_are_numbers(cell: Any, number: float) -> None:
    read = read_number(cell)
    assert read == number
    assert type(read) is float


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("red", "not a number: 'red'"),
        ("x" * 90, "not a number: 'x{40}'"),
        (math.nan, "not a finite number: nan"),
        ("nan", "not a finite number: nan"),
        ("-inf", "not a finite number: -inf"),
        (np.float64(np.inf), "not a finite number: inf"),
        (10**400, "not a finite number: 1000"),
        ("1e999", "not a finite number: 1e999"),
        (Decimal("NaN"), "not a finite number: NaN"),
        (None, "expected a number, found NoneType"),
        ([1], "expected a number, found list"),
        (np.complex64(1), "expected a number, found complex64"),
    ],
)
def test_cells_that_are_none(cell: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        read_number(cell)
