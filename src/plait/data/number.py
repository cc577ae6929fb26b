"""Numbers, also as people write them: `1,234`, `12.5%`, `$99`, `81 min`."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from plait.errors import CellError

_NUMBER = re.compile(
    r"""^\s*(?P<sign>[-+−]?)
    (?P<before>(?:[A-Z]{3}|Rs\.?|kr\.?)\s|[A-Z]{0,3}[$€£¥₹₩₽₺₫₪฿]\s?)?
    (?P<number>[-+−]?
        (?:(?:[1-9]\d{0,2}(?:[,\u00a0\u202f']\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)
    (?:(?P<times>[kKMB](?![^\W\d_])))?
    \s?(?P<after>%|[^\W\d_]{1,6}\.?|[$€£¥₹₩₽₺₫₪฿])?\s*$""",
    re.VERBOSE,
)
_TIMES = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}


def read_number(value: Any) -> float:
    """Return a cell as a finite number.

    Args:
        value: a number, or a text with thousands marks, a unit or a currency sign.

    Raises:
        CellError: when it is not a number, or not finite.
    """
    if isinstance(value, (bool, np.bool_)):
        return float(value)
    if isinstance(value, str):
        number = parse_number(value)
        if number is None:
            raise CellError(f"not a number: {value[:40]!r}")
    elif isinstance(value, np.integer) or hasattr(value, "as_integer_ratio"):
        number = _as_float(value)
    else:
        raise CellError(f"expected a number, found {type(value).__name__}")
    if not math.isfinite(number):
        raise CellError(f"not a finite number: {value}")
    return number


def parse_number(text: str) -> float | None:
    """Return the number that a text stands for, or None."""
    match = _NUMBER.match(text)
    if not match:
        word = text.strip().casefold().lstrip("+-")
        return math.nan if word == "nan" else math.inf if word in ("inf", "infinity") else None
    if match["sign"] and match["number"][0] in "-+−":
        return None
    number = float(
        re.sub(r"[,\u00a0\u202f']", "", match["sign"] + match["number"]).replace("−", "-")
    )
    number *= _TIMES.get(match["times"], 1)
    return number / 100 if match["after"] == "%" else number


def unit_of(text: str) -> str:
    """Return what stands around the number of a text: `$`, `%`, `min`; empty when it is bare."""
    match = _NUMBER.match(text)
    return f"{match['before'] or ''}{match['after'] or ''}".strip().casefold() if match else ""


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
