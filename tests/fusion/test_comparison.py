"""Comparison: its formula row by row."""

from __future__ import annotations

from itertools import combinations

import torch
from fusion_rows import ROWS, build, mapped, some_missing


def test_the_formula_with_any_subset_of_sources() -> None:
    fusion, parts = build("comparison"), some_missing()
    joint = fusion(parts)
    order = list(combinations(sorted(parts), 2))
    for row in range(ROWS):
        known = mapped(fusion, parts, row)
        expected = sum(known.values(), torch.zeros(fusion.width))
        for pair, (one, other) in zip(fusion.pairs, order, strict=True):
            if one in known and other in known:
                u, v = known[one], known[other]
                expected = expected + pair.weight @ torch.cat([(u - v).abs(), u * v])
        torch.testing.assert_close(joint.pooled[row], expected)
