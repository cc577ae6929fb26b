"""Categories: one label a cell, or several."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np

from plait.errors import CellError

SEPARATORS = ("|", ";", ",")
"""Marks between labels in one cell, the surest first."""

LONGEST_LABEL = 1000
"""Characters a label may have."""


def read_category(value: Any) -> str:
    """Return a cell as a label; 3 and 3.0 and "3" are one.

    Raises:
        CellError: when it cannot be a label.
    """
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise CellError(f"not a finite number: {value}")
        value = int(value) if value == int(value) else float(value)
    if isinstance(value, (bytes, dict, list, tuple, set, np.ndarray)):
        raise CellError(f"expected a category, found {type(value).__name__}")
    label = unicodedata.normalize("NFC", str(value)).strip()
    if len(label) > LONGEST_LABEL:
        raise CellError(f"a label of {len(label):,} characters, more than {LONGEST_LABEL:,}")
    return label


def read_categories(value: Any) -> tuple[str, ...]:
    """Return a cell's labels, sorted and without repeats.

    Args:
        value: a list, a JSON list, or a text with labels separated by `|`, `;` or `,`.

    Raises:
        CellError: when a label cannot be read.
    """
    labels = {read_category(item) for item in split_labels(value) if item is not None}
    return tuple(sorted(labels - {""}))


def split_labels(value: Any) -> list[Any]:
    """Return the parts of a cell that holds several labels."""
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return list(value)
    text = str(value).strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            return list(json.loads(text))
        except (ValueError, RecursionError):
            text = text[1:-1].replace("'", "")
    for mark in SEPARATORS:
        if mark in text:
            return [part.strip() for part in text.split(mark)]
    return [text]
