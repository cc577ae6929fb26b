"""Numbers, also as people write them: `1,234`, `12.5%`, `$99`, `81 min`."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from plait.errors import CellError

_NUMBER = re.compile(
    r"""^\s*
    (?P<before>[^\W\d_]{0,3}\s?|[$€£¥₹]\s?)?
    (?P<number>[-+−]?(?:\d{1,3}(?:[,\u00a0']\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?)
    \s?(?P<after>%|[^\W\d_]{1,6}\.?|[$€£¥₹])?\s*$""",
    re.VERBOSE,
)


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
    elif isinstance(value, (int, float, np.number)) or hasattr(value, "as_integer_ratio"):
        number = float(value)
    else:
        raise CellError(f"expected a number, found {type(value).__name__}")
    if not math.isfinite(number):
        raise CellError(f"not a finite number: {value}")
    return number


def parse_number(text: str) -> float | None:
    """Return the number that a text stands for, or None."""
    match = _NUMBER.match(text)
    digits = match.group("number") if match else ""
    if not digits or not any(c.isdigit() for c in digits):
        word = text.strip().casefold().lstrip("+-")
        return math.nan if word == "nan" else math.inf if word in ("inf", "infinity") else None
    number = float(re.sub(r"[,\u00a0']", "", digits).replace("−", "-"))
    return number / 100 if match and match.group("after") == "%" else number
