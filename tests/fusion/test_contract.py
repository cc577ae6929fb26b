"""What every fusion promises, for every fusion of the catalogue, sources and shapes of tokens."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from safetensors.torch import load, save

from plait.catalog import FUSIONS
from plait.errors import ConfigError
from plait.fusion.fusion import Fusion, FusionConfig
from plait.types import Features

ROWS = 6
SMALL = FusionConfig(8, heads=2, layers=2, bottlenecks=2, rank=3)
WIDTHS = ({"a": 5}, {"b": 1, "a": 1}, {"photo": 7, "text": 2, "table": 1})
LENGTHS = {"photo": 6, "text": 4, "table": 1, "a": 3, "b": 1}
"""Tokens of each source; photos have places, texts have times."""

every_fusion = pytest.mark.parametrize("name", FUSIONS)
every_width = pytest.mark.parametrize("widths", WIDTHS, ids=str)


def features(widths: dict[str, int], seed: int = 0, rows: int = ROWS) -> dict[str, Features]:
    """Return random tokens; the last of several is padding in every second row."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for name, width in widths.items():
        length = LENGTHS[name]
        mask = torch.ones(rows, length, dtype=torch.bool)
        if length > 1:
            mask[::2, -1] = False
        part = Features.of_tokens(torch.randn(rows, length, width, generator=generator), mask)
        if name == "photo":
            part = replace(part, place=torch.rand(rows, length, 2, generator=generator))
        if name == "text":
            part = replace(part, time=5 * torch.rand(rows, length, generator=generator))
        made[name] = part
    return made


def build(name: str, widths: dict[str, int], config: FusionConfig = SMALL) -> Fusion:
    torch.manual_seed(0)
    fusion = FUSIONS[name](widths, config)
    for parameter in fusion.parameters():  # no weight may be constant
        torch.nn.init.normal_(parameter, std=0.5)
    return fusion.eval()


def hide(parts: dict[str, Features], *names: str) -> dict[str, Features]:
    nowhere = torch.zeros(len(next(iter(parts.values()))), dtype=torch.bool)
    return {name: part.keep(nowhere) if name in names else part for name, part in parts.items()}


def changed(part: Features) -> Features:
    scale = torch.linspace(0.5, 2, part.width)  # adding one alike is what a norm takes out
    return part.with_tokens(part.tokens + scale * part.mask[:, :, None])


def filled(part: Features) -> Features:
    """Return the Features with NaN wherever nothing is."""
    tokens = part.tokens.masked_fill(~part.mask[:, :, None], torch.nan)
    return part.with_tokens(tokens, part.pooled.masked_fill(~part.present[:, None], torch.nan))


@every_fusion
@every_width
def test_shape_and_type(name, widths) -> None:
    fusion, parts = build(name, widths), features(widths)
    joint = fusion(parts)
    assert joint.pooled.shape == (ROWS, fusion.width)
    assert joint.tokens.shape[2] == fusion.width
    assert joint.tokens.shape[:2] == joint.mask.shape == joint.source.shape
    assert joint.pooled.dtype == joint.tokens.dtype == torch.float32
    assert joint.present.all()
    if joint.tokens.shape[1] == sum(LENGTHS[n] for n in widths):  # all tokens, with their places
        order = [number for number, n in enumerate(sorted(widths)) for _ in range(LENGTHS[n])]
        assert joint.source.tolist() == [order] * ROWS
        assert torch.equal(joint.mask, torch.cat([parts[n].mask for n in sorted(widths)], dim=1))
        if "photo" in widths:
            assert torch.equal(joint.place[:, :6], parts["photo"].place)
            assert joint.place[:, 6:].isnan().all()
            assert torch.equal(joint.time[:, -4:], parts["text"].time)


ATTENTION = {"shared", "self_attention", "cross_attention", "bottleneck", "graph"}


@every_fusion
def test_a_width_of_one_or_an_error(name) -> None:
    one = replace(SMALL, width=1)
    if name in ATTENTION:
        message = "A width of 1 cannot be shared by 2 heads of attention: it must be a multiple of"
        with pytest.raises(ConfigError, match=message):
            build(name, {"a": 5, "b": 1}, one)
    else:
        joint = build(name, {"a": 5, "b": 1}, one)(features({"a": 5, "b": 1}))
        assert joint.pooled.isfinite().all()


@every_fusion
@every_width
def test_gradient_reaches_every_source(name, widths) -> None:
    parts = features(widths)
    for part in parts.values():
        part.pooled.requires_grad_()
        part.tokens.requires_grad_()
    build(name, widths)(parts).pooled.square().sum().backward()
    for part in parts.values():
        found = [value.grad for value in (part.pooled, part.tokens) if value.grad is not None]
        felt = sum(gradient.abs().flatten(1).sum(dim=1) for gradient in found)
        assert (felt > 1e-6).all()


@every_fusion
@every_width
def test_a_present_source_counts_and_an_absent_one_does_not(name, widths) -> None:
    fusion, parts = build(name, widths), features(widths)
    before = fusion(parts).pooled
    for source in widths:
        after = fusion({**parts, source: changed(parts[source])}).pooled
        assert ((after - before).abs().amax(dim=1) > 1e-4).all()
        assert torch.equal(fusion({**parts, source: filled(parts[source])}).pooled, before)
        if len(widths) > 1:
            without = hide(parts, source)
            assert not torch.allclose(fusion(without).pooled, before)
            rubbish = {**without, source: filled(without[source])}
            assert torch.equal(fusion(without).pooled, fusion(rubbish).pooled)


@every_fusion
def test_by_tokens_says_whether_tokens_are_read(name) -> None:
    widths = {"photo": 12, "text": 8}
    fusion, parts = build(name, widths), features(widths)
    other = {n: part.with_tokens(part.tokens * 2, part.pooled) for n, part in parts.items()}
    assert torch.equal(fusion(other).pooled, fusion(parts).pooled) != fusion.by_tokens
    if not fusion.by_tokens:
        vectors = {n: part.vectors for n, part in parts.items()}
        assert torch.equal(fusion(vectors).pooled, fusion(parts).pooled)


@every_fusion
@every_width
def test_any_subset_is_finite_with_finite_gradients(name, widths) -> None:
    for size in range(len(widths) + 1):
        for gone in combinations(widths, size):
            fusion = build(name, widths)
            joint = fusion(hide(features(widths), *gone))
            assert joint.pooled.isfinite().all()
            assert joint.tokens.isfinite().all()
            assert joint.present.all() == (size < len(widths))
            if size == len(widths):
                assert not joint.pooled.any()
                assert not joint.tokens.any()
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
        assert torch.allclose(one.pooled[0], many[row], atol=1e-5)


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
    again = FUSIONS[name](widths, SMALL).eval()
    again.load_state_dict(load(save(fusion.state_dict())))
    assert torch.equal(fusion(parts).pooled, fusion(parts).pooled)
    assert torch.equal(fusion(parts).pooled, again(parts).pooled)


@every_fusion
@every_width
@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_finite_and_near(name, widths, precision) -> None:
    torch.manual_seed(0)
    fusion = FUSIONS[name](widths, SMALL).eval()
    parts = features(widths)
    exact = fusion(parts).pooled
    gone = next(iter(widths))
    fusion = fusion.to(precision)
    half = {n: part.to(precision) for n, part in parts.items()}
    joint = fusion(half)
    assert joint.pooled.dtype == joint.tokens.dtype == precision
    assert torch.allclose(joint.pooled.float(), exact, atol=0.06, rtol=0.06)
    assert fusion(hide(half, gone)).pooled.isfinite().all()


@every_fusion
def test_outliers_stay_finite(name) -> None:
    parts = {n: p.with_tokens(p.tokens * 1e6) for n, p in features({"a": 3, "b": 2}).items()}
    assert build(name, {"a": 3, "b": 2})(parts).pooled.isfinite().all()
