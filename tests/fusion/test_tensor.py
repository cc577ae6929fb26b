"""Products of features against full tensors."""

from __future__ import annotations

import torch
from fusion_rows import THREE, bounded, build, mapped, some_missing


def test_bilinear_by_hand() -> None:
    parts, fusion = some_missing(), build("bilinear")
    found = fusion(parts).pooled
    names = sorted(THREE)
    for row in range(4):
        present = mapped(fusion, parts, row)
        expected = sum(present.values())
        reduced = {n: fusion.reduce[names.index(n)].weight @ h for n, h in present.items()}
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        for form, (a, b) in zip(fusion.pairs, pairs, strict=True):
            if a in reduced and b in reduced:
                for place in range(8):
                    expected[place] += reduced[a] @ form.weight[place] @ reduced[b]
        assert torch.allclose(found[row], expected, atol=1e-5)


def test_low_rank_equals_the_full_tensor() -> None:
    """W = sum over r of u_r times the outer product of the factors, applied to the outer product
    of all [h_i; 1] (Liu et al., equations 2 to 5)."""
    parts, fusion = some_missing(), build("low_rank")
    found = fusion(parts).pooled
    names = sorted(THREE)
    for row in range(4):
        here = [n for n in names if parts[n].present[row]]
        inputs, factors = [], []
        for name in here:
            layer = fusion.maps[names.index(name)][1]
            x = torch.cat([bounded(parts[name].pooled[row]), torch.ones(1)])
            weights = torch.cat([layer.weight, layer.bias[:, None]], dim=1)  # (r d) by (width + 1)
            inputs.append(x)
            factors.append(weights.view(3, 8, -1))
        outer, tensor = torch.ones(()), fusion.rank_weights[:, None].repeat(1, 8)
        for x, factor in zip(inputs, factors, strict=True):
            outer = outer[..., None] * x
            tensor = tensor[..., None] * factor.view(3, 8, *[1] * (tensor.ndim - 2), -1)
        full = tensor.sum(dim=0)  # (d, width_1 + 1, width_2 + 1, ...)
        expected = (full * outer).flatten(start_dim=1).sum(dim=1)
        assert torch.allclose(found[row], expected, atol=1e-5)
