"""Joint representations against torch's layers, and against densities on a grid."""

from __future__ import annotations

import torch
from fusion_rows import LENGTHS, THREE, build, mapped, mapped_tokens, pooled, some_missing
from references import encoder_layer


def test_shared_encoder_is_one_transformer_for_every_source() -> None:
    parts, fusion = some_missing(LENGTHS), build("shared")
    found = fusion(parts).pooled
    layers = [encoder_layer(block) for block in fusion.transformer.blocks]
    for row in range(4):
        mixed = []
        for tokens in mapped_tokens(fusion, parts, row).values():
            for layer in layers:
                tokens = layer(tokens)
            mixed.append(tokens)
        assert torch.allclose(found[row], pooled(fusion, mixed), atol=1e-4)


def test_product_of_experts_is_a_product_of_densities() -> None:
    parts, fusion = some_missing(), build("experts")
    found = fusion(parts).pooled
    grid = torch.linspace(-30, 30, 60_001, dtype=torch.float64)
    names = sorted(THREE)
    for row in range(4):
        present = mapped(fusion, parts, row)
        for place in (0, 3, 7):
            log_density = -(grid**2) / 2
            for name, mean in present.items():
                layer = fusion.precision[names.index(name)]
                precision = torch.nn.functional.softplus(layer(mean))[place].double()
                log_density = log_density - precision * (grid - mean[place].double()) ** 2 / 2
            weights = (log_density - log_density.max()).exp()
            expected = (grid * weights).sum() / weights.sum()
            assert torch.isclose(found[row, place].double(), expected, atol=1e-4)
