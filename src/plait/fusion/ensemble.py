"""Many small networks for the price of one: they share their weights, and differ by scales."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.chance import Dropout
from plait.fusion.fusion import Fusion, FusionConfig
from plait.types import Features


class Scaled(nn.Module):
    """y_i = s_i * W (r_i * x_i) + b_i for each member i, with one W for all of them.

    An ensemble in which the weights of member i are W * s_i r_i' (Wen, Tran and Ba, BatchEnsemble,
    ICLR 2020, equation 1).

    Args:
        width_in: of x_i.
        width_out: of y_i.
        members: k of them, which random signs r_i set apart at the start (TabM, section 3.3).
    """

    def __init__(self, width_in: int, width_out: int, members: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width_in, width_out, bias=False)
        self.scale_in = nn.Parameter(torch.randint(0, 2, (members, width_in)) * 2.0 - 1)
        self.scale_out = nn.Parameter(torch.ones(members, width_out))
        self.bias = nn.Parameter(torch.zeros(members, width_out))

    def forward(self, values: Tensor) -> Tensor:
        """Return (b k e) of (b k d)."""
        # autocast takes the product alone; with the scales in float32 a step takes a third longer.
        half = torch.is_autocast_enabled(values.device.type)
        kind = torch.get_autocast_dtype(values.device.type) if half else values.dtype
        values, scale_in = values.to(kind), self.scale_in.to(kind)
        scaled: Tensor = self.linear(values * scale_in) * self.scale_out.to(kind)
        return scaled + self.bias.to(kind)


class Ensemble(Fusion):
    """k perceptrons on all vectors side by side, z_i = relu(W_i [x_1; ...; x_m; p] + b_i).

    Each member learns to predict by itself, and the mean of their predictions is what counts
    (Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, section 3). The members share one head
    here, which their last scales make their own. One hidden layer whatever the settings say: with
    two, the members learnt the rows by heart on every table that was tried.
    """

    level = "feature"
    large = True
    # Films and products, two or three seeds: 60, 30, 20 and 12 epochs scored the same within 0.002.
    passes = 1 / 5

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        inside = sum(self.widths.values()) + len(self.widths)
        self.hidden = Scaled(inside, config.width, config.members)
        self.dropout = Dropout(config.dropout)

    @property
    def width(self) -> int:
        """That of the settings."""
        return self.config.width

    @property
    def members(self) -> int:
        """k."""
        return self.config.members

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return a token for each member, and their mean."""
        known = present.to(parts[0].pooled.dtype)
        row = torch.cat([*(part.pooled for part in parts), known], dim=1)
        members = row[:, None].expand(-1, self.members, -1)
        values = torch.relu(self.hidden(members))
        # Which units are hidden from a row is one draw for all members, or a fifth of a step goes
        # into drawing.
        values = values * self.dropout(values.new_ones(len(row), 1, self.width))
        there = present.any(dim=1)[:, None].expand(-1, self.members)
        values = values * there[:, :, None].to(values.dtype)
        return Features.of_tokens(values, there, values.mean(dim=1))  # all are there, or none
