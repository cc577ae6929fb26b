"""What every fusion promises, for every fusion of the catalogue and several widths."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from plait.catalog import FUSIONS
from plait.fusion.fusion import Fusion
from plait.types import Features

ROWS = 6
WIDTHS = ({"a": 5}, {"b": 1, "a": 1}, {"photo": 7, "text": 2, "table": 1})

every_fusion = pytest.mark.parametrize("name", FUSIONS)
every_width = pytest.mark.parametrize("widths", WIDTHS, ids=str)


def features(widths: dict[str, int], seed: int = 0, rows: int = ROWS) -> dict[str, Features]:
    generator = torch.Generator().manual_seed(seed)
    everywhere = torch.ones(rows, dtype=torch.bool)
    return {
        name: Features.from_pooled(torch.randn(rows, width, generator=generator), everywhere)
        for name, width in widths.items()
    }


def build(name: str, widths: dict[str, int], width: int = 8) -> Fusion:
    torch.manual_seed(0)
    fusion = FUSIONS[name](widths, width)
    for parameter in fusion.parameters():  # no weight may be constant
        torch.nn.init.normal_(parameter, std=0.5)
    return fusion.eval()


def hide(parts: dict[str, Features], *names: str) -> dict[str, Features]:
    nowhere = torch.zeros(len(next(iter(parts.values()))), dtype=torch.bool)
    return {name: part.keep(nowhere) if name in names else part for name, part in parts.items()}


def changed(part: Features) -> Features:
    return Features.from_pooled(part.pooled + 1, part.present)


@every_fusion
@every_width
@pytest.mark.parametrize("width", [1, 8])
def test_shape_and_type(name, widths, width) -> None:
    fusion = build(name, widths, width)
    joint = fusion(features(widths))
    assert joint.pooled.shape == (ROWS, fusion.width)
    assert joint.tokens.shape == (ROWS, 1, fusion.width)
    assert joint.pooled.dtype == torch.float32
    assert joint.mask.all()


@every_fusion
@every_width
def test_gradient_reaches_every_source(name, widths) -> None:
    parts = features(widths)
    for part in parts.values():
        part.pooled.requires_grad_()
    build(name, widths)(parts).pooled.square().sum().backward()
    for part in parts.values():
        assert part.pooled.grad is not None
        assert (part.pooled.grad.abs().sum(dim=1) > 1e-6).all()


@every_fusion
@every_width
def test_a_present_source_counts_and_an_absent_one_does_not(name, widths) -> None:
    fusion, parts = build(name, widths), features(widths)
    before = fusion(parts).pooled
    for source in widths:
        after = fusion({**parts, source: changed(parts[source])}).pooled
        assert ((after - before).abs().amax(dim=1) > 1e-4).all()
        if len(widths) > 1:
            without = hide(parts, source)
            assert not torch.allclose(fusion(without).pooled, before)
            rubbish = torch.full_like(parts[source].pooled, torch.nan)
            hidden = without[source]
            filled = Features(rubbish, rubbish[:, None], hidden.mask, hidden.source)
            assert torch.equal(fusion(without).pooled, fusion({**without, source: filled}).pooled)


@every_fusion
@every_width
def test_any_subset_is_finite_with_finite_gradients(name, widths) -> None:
    for size in range(len(widths) + 1):
        for gone in combinations(widths, size):
            fusion = build(name, widths)
            joint = fusion(hide(features(widths), *gone))
            assert joint.pooled.isfinite().all()
            assert joint.present.all() == (size < len(widths))
            if size == len(widths):
                assert not joint.pooled.any()
            if not list(fusion.parameters()):
                continue
            joint.pooled.sum().backward()
            gradients = [p.grad for p in fusion.parameters() if p.grad is not None]
            assert all(gradient.isfinite().all() for gradient in gradients)


@every_fusion
@every_width
def test_rows_are_on_their_own(name, widths) -> None:
    fusion, parts = build(name, widths), features(widths)
    first = next(iter(widths))
    some = torch.tensor([True, False, True, True, False, True])
    if len(widths) > 1:
        parts = {**parts, first: parts[first].keep(some)}
    many = fusion(parts).pooled
    for row in range(ROWS):
        one = fusion({n: part.take(torch.tensor([row])) for n, part in parts.items()})
        assert one.pooled.shape == (1, fusion.width)
        assert torch.allclose(one.pooled[0], many[row], atol=1e-6)


@every_fusion
@every_width
def test_order_of_columns_does_not_matter(name, widths) -> None:
    flipped = dict(reversed(widths.items()))
    one, other = build(name, widths), build(name, flipped)
    other.load_state_dict(one.state_dict())
    parts = features(widths)
    mirrored = dict(reversed(parts.items()))
    assert torch.equal(one(parts).pooled, other(mirrored).pooled)


@every_fusion
@every_width
def test_saved_loaded_and_repeated_calls_are_the_same(name, widths) -> None:
    fusion, parts = build(name, widths), features(widths)
    torch.manual_seed(5)
    again = FUSIONS[name](widths, 8)
    again.load_state_dict(load(save(fusion.state_dict())))
    assert torch.equal(fusion(parts).pooled, fusion(parts).pooled)
    assert torch.equal(fusion(parts).pooled, again(parts).pooled)


@every_fusion
@every_width
def test_half_precision_is_finite_and_near(name, widths) -> None:
    fusion, parts = build(name, widths), features(widths)
    exact = fusion(parts).pooled
    gone = next(iter(widths))
    fusion = fusion.to(torch.bfloat16)
    half = {n: part.to(torch.bfloat16) for n, part in parts.items()}
    assert fusion(half).pooled.dtype == torch.bfloat16
    assert torch.allclose(fusion(half).pooled.float(), exact, atol=0.15, rtol=0.1)
    assert fusion(hide(half, gone)).pooled.isfinite().all()


@every_fusion
def test_outliers_stay_finite(name) -> None:
    widths = {"a": 3, "b": 2}
    parts = {n: Features.from_pooled(p.pooled * 1e6, p.present)
             for n, p in features(widths).items()}  # fmt: skip
    assert build(name, widths)(parts).pooled.isfinite().all()


# Each fusion against its formula, a row and a source at a time.

THREE = {"photo": 4, "table": 1, "text": 3}


def some_missing() -> dict[str, Features]:
    parts = features(THREE, seed=1, rows=5)
    masks = {"photo": [1, 1, 0, 0, 0], "table": [1, 0, 1, 0, 0], "text": [1, 1, 1, 1, 0]}
    return {n: p.keep(torch.tensor(masks[n], dtype=torch.bool)) for n, p in parts.items()}


def mapped(fusion: Fusion, parts: dict[str, Features], row: int) -> dict[str, Tensor]:
    """Return W bounded(x) + b of each source that the row has."""
    found = {}
    for layer, source in zip(fusion.maps, sorted(parts), strict=True):
        if parts[source].present[row]:
            x = parts[source].pooled[row]
            bounded = x * len(x) ** 0.5 / (1 + (x * x).sum()) ** 0.5
            found[source] = layer[1].weight @ bounded + layer[1].bias
    return found


def test_concat_by_hand() -> None:
    parts = some_missing()
    found = build("concat", THREE)(parts).pooled
    for row in range(5):
        values = [v for source in sorted(THREE) for v in parts[source].pooled[row].tolist()]
        there = [float(parts[source].present[row]) for source in sorted(THREE)]
        assert found[row].tolist() == pytest.approx([*values, *there])


def test_mean_by_hand() -> None:
    parts, fusion = some_missing(), build("mean", THREE)
    found = fusion(parts).pooled
    for row in range(5):
        present = list(mapped(fusion, parts, row).values())
        expected = sum(present) / len(present) if present else torch.zeros(8)
        assert torch.allclose(found[row], expected, atol=1e-5)


def test_projection_by_hand() -> None:
    parts, fusion = some_missing(), build("projection", THREE)
    found = fusion(parts).pooled
    for row in range(4):
        present = mapped(fusion, parts, row)
        joined = torch.cat([present.get(source, torch.zeros(8)) for source in sorted(THREE)])
        x = fusion.reduce.weight @ joined + fusion.reduce.bias
        expected = x * 0.5 * (1 + torch.erf(x / 2**0.5))
        assert torch.allclose(found[row], expected, atol=1e-5)


def test_gated_by_hand() -> None:
    parts, fusion = some_missing(), build("gated", THREE).requires_grad_(False)
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
