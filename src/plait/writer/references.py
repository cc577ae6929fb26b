"""Which rows are of the same thing: several texts of one picture are several references."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def references_of(
    keys: np.ndarray, rows: np.ndarray, texts: Sequence[str]
) -> tuple[np.ndarray, list[list[str]]]:
    """Return the first of the given rows for each input, and the texts of all that have it.

    Args:
        keys: (n) numbers of rows with the same inputs.
        rows: (k) that are meant.
        texts: (n).
    """
    found: dict[float, list[int]] = {}
    for row in rows.tolist():
        found.setdefault(float(keys[row]), []).append(row)
    first = np.array([own[0] for own in found.values()], dtype=np.int64)
    return first, [[texts[row] for row in own] for own in found.values()]
