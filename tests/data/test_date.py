"""Dates and times as seconds since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.data.date import parse_date, read_date
from plait.errors import CellError

DAY = 86400.0


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("1970-01-02", DAY),
        (" 1970/01/02 ", DAY),
        ("1970-01-02T00:00:01", DAY + 1),
        ("1970-01-02 00:00:00Z", DAY),
        ("1970-01-02T01:00:00+01:00", DAY),
        ("January 2, 1970", DAY),
        ("Jan 2 1970", DAY),
        ("2 January 1970", DAY),
        ("02.01.1970", DAY),
        ("02.01.1970 00:00:05", DAY + 5),
        ("01/02/1970", DAY),
        ("31/01/1970", 30 * DAY),
        ("1969-12-31", -DAY),
        ("Jan 2 1970 00:00 XYZ", DAY),
        (datetime(1970, 1, 2), DAY),
        (datetime(1970, 1, 2, tzinfo=timezone(timedelta(hours=1))), DAY - 3600),
        (date(1970, 1, 2), DAY),
        (np.datetime64("1970-01-02"), DAY),
        (np.datetime64("1970-01-02T00:00:00.5"), DAY + 0.5),
        (pd.Timestamp("1970-01-02"), DAY),
    ],
)
def test_dates(cell: Any, seconds: float) -> None:
    assert read_date(cell) == seconds


def test_what_a_text_leaves_open_does_not_depend_on_today() -> None:
    assert parse_date("March 2020") == datetime(2020, 3, 1, tzinfo=UTC).timestamp()
    assert parse_date("Feb 3") == datetime(1970, 2, 3, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    ["", "red", "12", "2020", "1.2.3", "10.0.0.1", "Windows 10", "81 min each", "99/99/9999"]
    + ["x" * 50 + " 2020-01-01", "2020-13-45", "0000-00-00"],
)
def test_texts_that_are_no_dates(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize("cell", ["red", 3, None, np.datetime64("NaT"), b"2020-01-01"])
def test_cells_that_are_no_dates(cell: Any) -> None:
    with pytest.raises(CellError, match="not a date: "):
        read_date(cell)


@settings(max_examples=80, deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 1)))
def test_iso_dates_survive_being_written(moment: datetime) -> None:
    assert read_date(moment.isoformat()) == read_date(moment)


@settings(max_examples=150, deadline=None)
@given(st.from_regex(r"[0-9A-Za-z]{1,4}[-/. ][0-9a-zA-Z:+]{1,9}[-/. :T]?[0-9:A-Z+]{0,8}"))
def test_no_text_breaks_the_parser(text: str) -> None:
    seconds = parse_date(text)
    assert seconds is None or isinstance(seconds, float)
