"""What stems and bodies do with pictures, subwords and columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from references import encoder_layer
from torch import nn

from plait.encoders.convolutional import ConvolutionalBody, ConvolutionalImage, Residual
from plait.encoders.pictures import Patches, augmented, grid_places
from plait.encoders.recurrent import RecurrentBody
from plait.encoders.subwords import Subwords
from plait.encoders.tabular import ColumnTokens
from plait.encoders.trained import TrainedConfig
from plait.encoders.transformer import TransformerBody
from plait.errors import ConfigError
from plait.types import Column, Features, Modality

CONFIG = TrainedConfig(width=16, heads=2, layers=2, vocabulary=400, side=16, patch=4)
RNG = np.random.default_rng(0)


def picture(height: int = 40, width: int = 30) -> np.ndarray:
    return RNG.integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.Conv2d])
@pytest.mark.parametrize(("width", "stride"), [(8, 1), (16, 2)])
def test_a_residual_block_by_its_formula(kind, width, stride) -> None:
    torch.manual_seed(0)
    block = Residual(kind, 8, width, stride)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    values = torch.randn(3, 8, *[6] * (2 if kind is nn.Conv2d else 1))
    convolve = nn.functional.conv2d if kind is nn.Conv2d else nn.functional.conv1d

    def normalise(layer: nn.GroupNorm, x: torch.Tensor) -> torch.Tensor:
        flat = x.reshape(len(x), 8, -1)
        spread = flat.var(dim=2, unbiased=False, keepdim=True)
        flat = (flat - flat.mean(dim=2, keepdim=True)) / (spread + 1e-5).sqrt()
        shape = [1, -1, *[1] * (x.ndim - 2)]
        return flat.view_as(x) * layer.weight.view(shape) + layer.bias.view(shape)

    one, _, first, two, _, second = block.change
    inner = convolve(normalise(one, values).relu(), first.weight, stride=stride, padding=1)
    inner = convolve(normalise(two, inner).relu(), second.weight, padding=1)
    same = isinstance(block.shortcut, nn.Identity)
    assert same == (width == 8 and stride == 1)
    kept = values if same else convolve(values, block.shortcut.weight, stride=stride)
    assert torch.allclose(block(values), kept + inner, atol=1e-5)


@pytest.mark.parametrize("make", [ConvolutionalImage, Patches])
def test_tokens_of_a_picture_lie_where_its_parts_are(make) -> None:
    torch.manual_seed(0)
    encoder = make(replace(CONFIG, side=64)).eval()
    dark = np.zeros((16, 16, 3), np.uint8)
    lit = dark.copy()
    lit[9:14, 2:6] = 255  # below, at the left
    read = encoder.encode if make is ConvolutionalImage else encoder
    with torch.no_grad():
        one, other = read([encoder.preprocess([lit])]), read([encoder.preprocess([dark])])
    changed = (one.tokens - other.tokens).abs().sum(dim=2)[0]
    height, width = (one.place[0] * (changed / changed.sum())[:, None]).sum(dim=0).tolist()
    assert height > 0.53
    assert width < 0.47
    side = round(one.tokens.shape[1] ** 0.5)
    assert torch.equal(one.place[0], grid_places(side, side))
    assert grid_places(2, 2).tolist() == [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]


@pytest.mark.parametrize("make", [ConvolutionalImage, Patches])
def test_pictures_of_a_row_are_a_set(make) -> None:
    torch.manual_seed(0)
    encoder = make(CONFIG).eval()
    read = encoder.encode if make is ConvolutionalImage else encoder
    a, b, c = picture(), picture(), picture(20, 50)
    rows = [encoder.preprocess(value) for value in ([a, b], [b, a], [c], [a])]
    with torch.no_grad():
        features, alone = read(rows), read(rows[2:])
    assert torch.allclose(features.pooled[0], features.pooled[1], atol=1e-5)
    assert torch.allclose(features.pooled[2:], alone.pooled, atol=1e-5)
    length = alone.tokens.shape[1]
    assert features.mask.sum(dim=1).tolist() == [2 * length, 2 * length, length, length]


def test_augmented_pictures_are_mirrored_and_shifted() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(16.0).expand(200, 3, 16, 16)
    steps = augmented(ramp).diff(dim=3)[:, 0, 8, 4:12].mean(dim=1).round()
    assert set(steps.tolist()) == {-1.0, 1.0}
    assert 60 < (steps > 0).sum() < 140
    assert len(set(augmented(ramp)[:, 0, 0, 8].tolist())) > 3


def test_subwords_spell_every_script_and_do_not_change() -> None:
    texts = ["a red bicycle", "红色的自行车", "دراجة حمراء", "🚲 bicycles", "Ａ ﬁne one"] * 3
    stems = [Subwords(CONFIG) for _ in range(2)]
    for stem in stems:
        stem.fit([*texts, None])
    assert stems[0].facts == stems[1].facts
    tokenizer = stems[0]._tokenizer
    for text, plain in (("A Red 红 ж bicycle", "a red 红 ж bicycle"), ("Ａ ﬁne", "a fine")):
        assert tokenizer.decode(tokenizer.encode(text).ids).strip() == plain
    assert tokenizer.encode("bicycle").ids == tokenizer.encode("BICYCLE").ids
    features = stems[0](["bicycle", "", "a red red red bicycle"])
    assert features.mask[1].sum() == 1  # nothing to read is something too
    assert features.mask.sum(dim=1).argmax() == 2
    assert not features.tokens[~features.mask].any()


def test_a_transformer_over_patches_knows_where_they_are() -> None:
    torch.manual_seed(0)
    body = TransformerBody(CONFIG).eval()
    tokens = torch.randn(1, 5, 16)
    plain = Features.of_tokens(tokens, torch.ones(1, 5, dtype=torch.bool))
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = Features.of_tokens(tokens[:, order], plain.mask)
    with torch.no_grad():
        assert not torch.allclose(body(plain).pooled, body(shuffled).pooled, atol=1e-4)
        unordered = TransformerBody(CONFIG, ordered=False).eval()
        same = torch.allclose(unordered(plain).pooled, unordered(shuffled).pooled, atol=1e-5)
        expected = tokens
        for block in unordered.transformer.blocks:
            expected = encoder_layer(block)(expected)
        assert torch.allclose(unordered(plain).tokens, unordered.norm(expected), atol=1e-5)
    assert same


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_recurrent_body_reads_each_row_as_if_alone(cell) -> None:
    torch.manual_seed(0)
    body = RecurrentBody(CONFIG, cell).eval()
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)
    tokens = torch.randn(3, 4, 16)
    with torch.no_grad():
        found = body(Features.of_tokens(tokens, mask))
        for row, length in enumerate((4, 2, 1)):
            states, last = body.network(tokens[row : row + 1, :length])
            hidden = last[0] if cell == "lstm" else last
            expected = body.map(states)[0]
            assert torch.allclose(found.tokens[row, :length], expected, atol=1e-5)
            assert not found.tokens[row, length:].any()
            ends = torch.cat([hidden[-2, 0], hidden[-1, 0]])
            assert torch.allclose(found.pooled[row], body.map(ends), atol=1e-5)


def test_columns_are_tokens_and_what_is_missing_or_new_has_its_own() -> None:
    columns = (Column("size", Modality.NUMBER), Column("colour", Modality.CATEGORY))
    stem = ColumnTokens(columns, CONFIG)
    stem.fit([(float(i), ("red", "blue")[i % 2]) for i in range(20)] + [None])
    with torch.no_grad():
        tokens = stem([(3.0, "red"), (3.0, "green"), (3.0, None), (None, "red")]).tokens
        size, colour = stem.maps
        assert torch.equal(
            tokens[0, 1], colour.weight[stem._columns[1].facts["levels"].index("red")]
        )
        assert torch.equal(tokens[1, 1], colour.weight[2])
        assert torch.equal(tokens[2, 1], colour.weight[2])
        assert torch.equal(tokens[0, 0], tokens[1, 0])
        assert torch.allclose(tokens[3, 0], size.weight[:, 1] + size.bias, atol=1e-6)


def test_settings_that_do_not_fit_each_other() -> None:
    with pytest.raises(ConfigError, match="'side' must be a multiple of 'patch', found 64 and 7"):
        TrainedConfig(patch=7)


def test_without_layers_every_token_stays_to_itself() -> None:
    config = replace(CONFIG, layers=0, dropout=0.0)
    tokens = torch.randn(2, 5, 16)
    mask = torch.ones(2, 5, dtype=torch.bool)
    other = tokens.clone()
    other[:, 2] += torch.linspace(-1, 1, 16)
    for body in (TransformerBody(config), ConvolutionalBody(config)):
        body.eval()
        changed = body(Features.of_tokens(other, mask)).tokens
        same = (changed == body(Features.of_tokens(tokens, mask)).tokens).all(dim=2)
        assert same.tolist() == [[True, True, False, True, True]] * 2
    assert RecurrentBody(config, "gru").network.num_layers == 1
