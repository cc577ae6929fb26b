"""Dates and times: a cell to seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

import numpy as np

from plait.errors import CellError

_SHAPE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|[A-Za-z]{3,9}\.? \d{1,2}|\d{1,2} [A-Za-z]{3}"
)
_DAY_FIRST = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")  # with dots, nobody puts the month first

_REST = datetime(1970, 1, 1)
"""What a text leaves open; today would give another number every day."""


def read_date(value: Any) -> float:
    """Return a cell as seconds since 1970 in UTC; a time without a zone is taken as UTC.

    Raises:
        CellError: when it is not a date.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC).timestamp()
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return float(value.astype("datetime64[us]").astype(np.int64)) / 1e6
    seconds = parse_date(value) if isinstance(value, str) else None
    if seconds is None:
        raise CellError(f"not a date: {str(value)[:40]!r}")
    return seconds


def parse_date(text: str) -> float | None:
    """Return the seconds since 1970 that a text stands for, or None."""
    text = text.strip()
    if len(text) > 40 or not _SHAPE.search(text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        from dateutil import parser  # comes with pandas

        try:
            moment = parser.parse(
                text, default=_REST, dayfirst=bool(_DAY_FIRST.match(text)), tzinfos=_zone
            )
        except (ValueError, OverflowError, TypeError):
            return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _zone(name: str | None, seconds: int | None) -> tzinfo:
    """Return the zone of a stated difference; a mere name is taken as UTC."""
    return timezone(timedelta(seconds=seconds or 0))
