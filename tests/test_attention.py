"""Attention against torch's own, and what rotations promise of times and places."""

from __future__ import annotations

import pytest
import torch
from references import encoder_layer, multihead
from torch import Tensor

from plait.attention import Attention, Block, Rotary, Transformer, turned
from plait.errors import ConfigError


def random_(module: torch.nn.Module) -> torch.nn.Module:
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return module.eval().requires_grad_(False)


def tokens(length: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(3, length, dtype=torch.bool)
    mask[0, 1:] = False
    mask[1, -1] = False
    return torch.randn(3, length, 8, generator=generator), mask


def test_attention_equals_torch() -> None:
    layer = random_(Attention(8, 2))
    ask, _ = tokens(4)
    answer, mask = tokens(5, seed=1)
    expected = multihead(layer)(ask, answer, answer, key_padding_mask=~mask)[0]
    assert torch.allclose(layer(ask, answer, mask), expected, atol=1e-6)


def test_a_block_equals_torch() -> None:
    block = random_(Block(8, 2, 0.1))
    values, mask = tokens(5)
    expected = encoder_layer(block)(values, src_key_padding_mask=~mask)
    assert torch.allclose(block(values, mask)[mask], expected[mask], atol=1e-5)


def test_nothing_to_look_at_adds_nothing() -> None:
    layer = random_(Attention(8, 2))
    ask, mask = tokens(4)
    mask[1] = False
    found = layer(ask, ask, mask)
    assert not found[1].any()
    assert found[0].any()
    assert found.isfinite().all()


def test_turning_is_multiplying_complex_numbers() -> None:
    rotary = Rotary(8, shortest=0.5, longest=20.0)
    time = torch.tensor([[0.0, 0.3, 7.0]])
    values = torch.randn(1, 2, 3, 8)
    periods = 0.5 * 40 ** (torch.arange(4) / 3)
    angles = 2 * torch.pi * time[0, :, None] / periods
    pairs = torch.complex(values[..., :4], values[..., 4:])
    expected = pairs * torch.polar(torch.ones(3, 4), angles)
    found = turned(values, rotary(time, None))
    assert torch.allclose(found[..., :4], expected.real, atol=1e-5)
    assert torch.allclose(found[..., 4:], expected.imag, atol=1e-5)


def test_products_depend_on_differences_alone() -> None:
    rotary = Rotary(8)
    query, key = torch.randn(2, 1, 1, 1, 8)

    def product(times: tuple[float, float], places: tuple[Tensor, Tensor]) -> float:
        one, other = (
            turned(vector, rotary(torch.tensor([[time]]), place[None, None]))
            for vector, time, place in zip((query, key), times, places, strict=True)
        )
        return float((one * other).sum())

    here, there, apart = torch.tensor([[0.1, 0.7], [0.4, 0.2], [0.25, 0.1]])
    first = product((1.0, 3.5), (here, there))
    assert product((11.0, 13.5), (here + apart, there + apart)) == pytest.approx(first, abs=1e-4)
    assert abs(product((1.0, 3.6), (here, there)) - first) > 1e-2
    for axis in torch.eye(2):  # height and width both tell
        assert abs(product((1.0, 3.5), (here, there + 0.1 * axis)) - first) > 1e-2


def test_tokens_without_time_and_place_are_not_turned() -> None:
    rotary = Rotary(8)
    assert rotary(None, None) is None
    time = torch.tensor([[torch.nan, 2.0]])
    values = torch.randn(1, 1, 2, 8)
    found = turned(values, rotary(time, torch.full((1, 2, 2), torch.nan)))
    assert torch.equal(found[:, :, 0], values[:, :, 0])
    assert not torch.allclose(found[:, :, 1], values[:, :, 1])


def test_heads_must_share_the_width() -> None:
    with pytest.raises(ConfigError, match="A width of 12 cannot be shared by 4 heads of attention"):
        Attention(12, 4)


@pytest.mark.parametrize("layers", [1, 3])
def test_the_first_token_alone_is_what_all_of_them_give(layers: int) -> None:
    torch.manual_seed(0)
    transformer, rotary = Transformer(16, 2, layers, 0.1).eval(), Rotary(8, 2.0, 40.0)
    tokens, mask = torch.randn(3, 5, 16), torch.ones(3, 5, dtype=torch.bool)
    mask[1, 3:] = False
    for turn in (None, rotary(torch.arange(5.0)[None], None)):
        whole = transformer(tokens, mask, turn)[:, 0]
        torch.testing.assert_close(transformer.first(tokens, mask, turn), whole)
