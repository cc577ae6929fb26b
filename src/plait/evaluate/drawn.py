"""Pictures that were drawn beside real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DrawnEvaluation:
    """The scores of one model's pictures.

    Attributes:
        target: the column.
        rows: that were drawn.
        encoder: on whose vectors pictures were compared.
        scores: by name; those that need more pictures than there were are left out.
    """

    target: str
    rows: int
    encoder: str
    scores: Mapping[str, float | None]
