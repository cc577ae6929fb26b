"""Feature maps of pictures, each held once, however many rows are of one picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Maps:
    """The maps of k pictures, and which of these each of b rows has.

    Attributes:
        scales: of each resolution (k d h w), the finest first.
        rows: (b), the number of each row's picture; -1 where it has none.
    """

    scales: tuple[Tensor, ...]
    rows: Tensor

    def take(self, rows: Tensor) -> Maps:
        """Return those of the given rows, (n) long, in their order."""
        return replace(self, rows=self.rows[rows])

    def keep(self, kept: Tensor) -> Maps:
        """Return the same rows, without a picture where `kept` (b) is False."""
        return replace(self, rows=self.rows.masked_fill(~kept, -1))

    def to(self, place: torch.device | torch.dtype) -> Maps:
        """Return the maps on a device, or in another precision."""
        scales = tuple(own.to(place) for own in self.scales)
        return Maps(scales, self.rows.to(scales[0].device))

    def by_row(self, values: Tensor) -> Tensor:
        """Return (b ...) of what was made of the pictures, (k ...); zero where a row has none."""
        found = values.index_select(0, self.rows.clamp_min(0))
        there = self.rows >= 0
        if bool(there.all()):
            return found
        return found * there.view(-1, *[1] * (values.ndim - 1)).to(found.dtype)
