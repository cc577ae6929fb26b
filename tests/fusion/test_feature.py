"""Feature-level fusions against their formulas, a row and a source at a time."""

from __future__ import annotations

import pytest
import torch
from fusion_rows import THREE, build, mapped, some_missing


def test_concat_by_hand() -> None:
    parts = some_missing()
    found = build("concat")(parts).pooled
    for row in range(5):
        values = [v for source in sorted(THREE) for v in parts[source].pooled[row].tolist()]
        there = [float(parts[source].present[row]) for source in sorted(THREE)]
        assert found[row].tolist() == pytest.approx([*values, *there])


def test_mean_by_hand() -> None:
    parts, fusion = some_missing(), build("mean")
    found = fusion(parts).pooled
    for row in range(5):
        present = list(mapped(fusion, parts, row).values())
        expected = sum(present) / len(present) if present else torch.zeros(8)
        assert torch.allclose(found[row], expected, atol=1e-5)


def test_projection_by_hand() -> None:
    parts, fusion = some_missing(), build("projection")
    found = fusion(parts).pooled
    for row in range(4):
        present = mapped(fusion, parts, row)
        joined = torch.cat([present.get(source, torch.zeros(8)) for source in sorted(THREE)])
        x = fusion.reduce.weight @ joined + fusion.reduce.bias
        expected = x * 0.5 * (1 + torch.erf(x / 2**0.5))
        assert torch.allclose(found[row], expected, atol=1e-5)


def test_gated_by_hand() -> None:
    parts, fusion = some_missing(), build("gated").requires_grad_(False)
    found = fusion(parts).pooled
    for row in range(4):
        present = mapped(fusion, parts, row)
        joined = torch.cat([present.get(source, torch.zeros(8)) for source in sorted(THREE)])
        gates = fusion.gate.weight @ joined + fusion.gate.bias
        for place in range(8):
            total, weights = 0.0, 0.0
            for number, source in enumerate(sorted(THREE)):
                if source in present:
                    weight = gates[number * 8 + place].exp()
                    total += weight * present[source][place].tanh()
                    weights += weight
            assert found[row, place] == pytest.approx((total / weights).item(), abs=1e-5)
