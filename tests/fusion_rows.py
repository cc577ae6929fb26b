"""Sources and fusions with random weights, for tests of formulas."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.catalog import FUSIONS
from plait.fusion.fusion import Fusion, FusionConfig
from plait.types import Features

THREE = {"photo": 4, "table": 1, "text": 3}
LENGTHS = {"photo": 3, "table": 1, "text": 2}
ROWS = 5


def build(name: str, widths: dict[str, int] | None = None) -> Fusion:
    """Return a fusion none of whose weights is constant."""
    torch.manual_seed(0)
    fusion = FUSIONS[name](widths or THREE, FusionConfig(8, heads=2, bottlenecks=2, rank=3))
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return fusion.eval().requires_grad_(False)


def some_missing(lengths: dict[str, int] | None = None) -> dict[str, Features]:
    """Return five rows: all sources, photo and text, table and text, text alone, nothing."""
    torch.manual_seed(1)
    here = {"photo": [1, 1, 0, 0, 0], "table": [1, 0, 1, 0, 0], "text": [1, 1, 1, 1, 0]}
    made = {}
    for name, width in THREE.items():
        length = (lengths or dict.fromkeys(THREE, 1))[name]
        mask = torch.tensor(here[name], dtype=torch.bool)[:, None].repeat(1, length)
        if length > 1:
            mask[1, -1] = False
        tokens = torch.randn(ROWS, length, width) * mask[:, :, None]
        made[name] = Features.of_tokens(tokens, mask)
    return made


def bounded(x: Tensor) -> Tensor:
    """Return sqrt(d) x / sqrt(1 + |x|^2) of (... d)."""
    return x * x.shape[-1] ** 0.5 / (1 + (x * x).sum(dim=-1, keepdim=True)) ** 0.5


def mapped(fusion: Fusion, parts: dict[str, Features], row: int) -> dict[str, Tensor]:
    """Return W bounded(x) + b of each source that the row has."""
    found = {}
    for layer, source in zip(fusion.maps, sorted(parts), strict=True):
        if parts[source].present[row]:
            x = bounded(parts[source].pooled[row])
            found[source] = layer[1].weight @ x + layer[1].bias
    return found


def mapped_tokens(fusion: Fusion, parts: dict[str, Features], row: int) -> dict[str, Tensor]:
    """Return the real tokens (1 t d) of each source that the row has, mapped, with its vector."""
    found = {}
    for number, (layer, source) in enumerate(zip(fusion.maps, sorted(parts), strict=True)):
        part = parts[source]
        if part.present[row]:
            x = bounded(part.tokens[row][part.mask[row]])
            found[source] = (layer[1](x) + fusion.kinds[number])[None]
    return found


def pooled(fusion: Fusion, mixed: list[Tensor]) -> Tensor:
    """Return the mean over sources of the mean over tokens."""
    return torch.stack([fusion.norm(tokens[0]).mean(dim=0) for tokens in mixed]).mean(dim=0)
