"""Graph fusion: the sources are nodes, and each attends to its neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.attention import require_heads
from plait.fusion.fusion import FusionConfig, Projected
from plait.types import Features


class GraphLayer(nn.Module):
    """One graph attention layer on a complete graph with loops (GAT).

        e_ij = LeakyReLU(a_1' W h_i + a_2' W h_j), softmax over the present j
        h_i' = ELU(sum_j softmax_j(e_ij) W h_j), the heads side by side

    Follows Veličković et al. (ICLR 2018), section 2.1, equations 1 to 5.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        require_heads(width, heads)
        self.heads = heads
        self.map = nn.Linear(width, width, bias=False)
        self.asks = nn.Parameter(torch.randn(heads, width // heads) * (heads / width) ** 0.5)
        self.answers = nn.Parameter(torch.randn(heads, width // heads) * (heads / width) ** 0.5)

    def forward(self, nodes: Tensor, present: Tensor) -> Tensor:
        """Return (b m d) for nodes (b m d) of which `present` (b m) are there."""
        mapped = self.map(nodes).unflatten(-1, (self.heads, -1))
        asks = torch.einsum("bmhd,hd->bhm", mapped, self.asks)
        answers = torch.einsum("bmhd,hd->bhm", mapped, self.answers)
        edges = nn.functional.leaky_relu(asks[..., None] + answers[:, :, None], 0.2)
        edges = edges.masked_fill(~present[:, None, None], torch.finfo(edges.dtype).min)
        found = torch.einsum("bhij,bjhd->bihd", edges.softmax(dim=-1), mapped)
        return nn.functional.elu(found.flatten(start_dim=2))


class GraphAttention(Projected):
    """The sources of a row are a complete graph; z is the mean of the present nodes.

    Each layer is added to what came in, so that many of them can be stacked.
    """

    level = "interaction"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.graph = nn.ModuleList(
            GraphLayer(config.width, config.heads) for _ in range(config.layers)
        )

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return a token a source."""
        nodes = self.project(parts)
        for layer in self.graph:
            nodes = nodes + layer(nodes, present)
        nodes = nodes * present[:, :, None].to(nodes.dtype)
        count = present.sum(dim=1, keepdim=True).clamp_min(1)
        return Features.of_tokens(nodes, present, nodes.sum(dim=1) / count)
