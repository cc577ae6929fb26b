"""Numbers that follow each other (series) or stand beside each other (vectors) in one cell."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.errors import CellError

LONGEST = 100_000
"""Steps of a series that are read; what follows is left."""

_MARKS = re.compile(r"[\s,;|]+")


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers in the order of their times.

    Attributes:
        values: (t d) float32, NaN where a number is missing.
        times: (t) float32, from the first step on; the number of the step where none are given.
    """

    values: np.ndarray
    times: np.ndarray


def read_series(value: Any, size: int = 0) -> Series:
    """Read a cell of one number a step, or of d numbers a step.

    Args:
        value: a list or array (t) or (t d), a text such as `1 2.5 nan` or `[[1, 2], [3, 4]]`, a
            pandas Series with its index, or a dictionary with `values` and perhaps `times`.
        size: the d that is expected; 0 is any.

    Raises:
        CellError: when it is something else, or holds no number.
    """
    times = None
    if isinstance(value, dict):
        value, times = value.get("values"), value.get("times")
    elif hasattr(value, "to_numpy") and hasattr(value, "index"):
        value, times = value.to_numpy(), value.index.to_numpy()
    numbers = _numbers(value)[:LONGEST]
    if numbers.ndim == 1:
        numbers = numbers[:, None]
    if numbers.ndim != 2:
        raise CellError(f"expected numbers in a row, or rows of them, found {numbers.ndim} axes")
    if not numbers.size or np.isnan(numbers).all():
        raise CellError("there is no number in it")
    if size and numbers.shape[1] != size:
        raise CellError(f"{numbers.shape[1]} numbers a step, expected {size}")
    return _in_order(numbers, times)


def _in_order(numbers: np.ndarray, times: Any) -> Series:
    if times is None:
        return Series(numbers, np.arange(len(numbers), dtype=np.float32))
    moments = np.asarray(times)
    if moments.dtype.kind == "M":
        moments = moments.astype("datetime64[us]").astype(np.int64) / 1e6
    moments = _numbers(moments, np.float64)[:LONGEST]
    if moments.shape != (len(numbers),) or np.isnan(moments).any():
        raise CellError(f"{len(numbers)} steps need as many times, found shape {moments.shape}")
    order = np.argsort(moments, kind="stable")
    return Series(numbers[order], (moments[order] - moments[order[0]]).astype(np.float32))


def read_vector(value: Any, size: int = 0) -> np.ndarray:
    """Read a cell of d numbers.

    Args:
        value: a list or array (d), or a text such as `1 2.5 nan`.
        size: the d that is expected; 0 is any.

    Returns:
        (d) float32, NaN where a number is missing.

    Raises:
        CellError: when it is something else, of another length, or holds no number.
    """
    numbers = _numbers(value)
    if numbers.ndim != 1:
        raise CellError(f"expected numbers in a row, found shape {numbers.shape}")
    if not numbers.size or np.isnan(numbers).all():
        raise CellError("there is no number in it")
    if size and len(numbers) != size:
        raise CellError(f"{len(numbers)} numbers, expected {size}")
    return numbers


def usual_size(cells: Iterable[Any], series: bool) -> int:
    """Return how many numbers most vectors, or most steps of series, have; 0 where none is read."""
    sizes: Counter[int] = Counter()
    for cell in cells:
        with suppress(CellError):
            sizes[read_series(cell).values.shape[1] if series else len(read_vector(cell))] += 1
    return sizes.most_common(1)[0][0] if sizes else 0


def parse_numbers(text: str) -> Any:
    """Return the numbers of a text: in brackets, or with spaces or commas between; or None."""
    text = text.strip()
    with suppress(ValueError):
        if text.startswith("["):
            return json.loads(re.sub(r"\bnan\b", "NaN", text, flags=re.IGNORECASE))
        return [float(part) for part in _MARKS.split(text)]
    return None


def _numbers(value: Any, kind: type[np.floating[Any]] = np.float32) -> np.ndarray:
    if isinstance(value, str):
        value = parse_numbers(value)
    try:
        array = value if isinstance(value, np.ndarray) else np.array(list(value))
        if array.dtype.kind == "O":  # None among numbers, arrays in an array, decimals
            array = np.array([np.asarray(part, dtype=np.float64) for part in array])
    except (TypeError, ValueError) as error:
        raise CellError(f"cannot be read as numbers: {error}") from error
    if array.dtype.kind not in "biuf":
        raise CellError(f"expected numbers, found {array.dtype}")
    with np.errstate(over="ignore"):
        numbers: np.ndarray = array.astype(kind)
    if np.isinf(numbers).any():
        raise CellError("a number in it is not finite")
    return numbers
