"""What a language model remembers: room for the next tokens, and texts that join."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from made_models import causal
from transformers import MistralConfig, MistralForCausalLM
from transformers.cache_utils import DynamicCache, DynamicLayer

from plait.decoding.config import DecodingConfig
from plait.decoding.one_by_one import as_they_end, one_by_one
from plait.encoders.pretrained.config import FineTuneConfig
from plait.tasks.language_model import LanguageModel, load_language_model
from plait.tasks.prompt_state import ROOM, PromptState, RoomyLayer
from plait.types import Features


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_a_layer_with_room_holds_what_transformers_own_does() -> None:
    plain, keys, values = DynamicLayer(), numbers(3, 2, 5, 4), numbers(3, 2, 5, 4) + 1
    plain.update(keys, values)
    roomy = RoomyLayer(keys, values)
    places = set()
    for step in range(ROOM + 3):
        new = numbers(3, 2, 1, 4) + step
        for found, expected in zip(roomy.update(new, -new), plain.update(new, -new), strict=True):
            torch.testing.assert_close(found, expected, atol=0, rtol=0)
        places.add(roomy.keys.data_ptr())
        assert roomy.get_seq_length() == plain.get_seq_length()
    assert len(places) == 2, "it moved once to a place with room, and once more when that was full"


def test_rows_that_are_kept_twice_go_their_own_ways() -> None:
    layer = RoomyLayer(numbers(2, 1, 3, 4), numbers(2, 1, 3, 4))
    layer.update(numbers(2, 1, 1, 4), numbers(2, 1, 1, 4))
    before = layer.keys.clone()
    layer.batch_select_indices(torch.tensor([1, 1, 0]))
    new = numbers(3, 1, 1, 4)
    layer.update(new, new)
    torch.testing.assert_close(layer.keys[:, :, :4], before[[1, 1, 0]], atol=0, rtol=0)
    torch.testing.assert_close(layer.keys[:, :, 4:], new, atol=0, rtol=0)
    assert not torch.equal(layer.keys[0], layer.keys[1])


def made(rows: int, length: int, real: int) -> PromptState:
    cache = DynamicCache()
    cache.update(numbers(rows, 1, length, 2), numbers(rows, 1, length, 2) + 1, 0)
    mask = torch.arange(length)[None].expand(rows, -1) >= length - real
    return PromptState(cache, mask)


def test_texts_join_so_that_all_end_in_one_place_and_what_none_uses_is_let_go() -> None:
    one, two = made(2, 9, 5), made(3, 6, 6)
    own, other = one.cache.layers[0].keys.clone(), two.cache.layers[0].keys.clone()
    one.join(two)
    keys = one.cache.layers[0].keys
    assert one.mask.tolist() == [[False] + [True] * 5] * 2 + [[True] * 6] * 3
    torch.testing.assert_close(keys[:2, :, 1:], own[:, :, 4:], atol=0, rtol=0)
    torch.testing.assert_close(keys[2:], other, atol=0, rtol=0)
    assert not keys[:2, :, 0].isnan().any()


@pytest.fixture(scope="module")
def sliding(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """Return a model that forgets what is more than sixteen tokens back."""
    texts = ["a small blue thing on a table", "a big red thing under the sofa"] * 5
    folder: Path = causal(tmp_path_factory.mktemp("causal"), texts)
    own = load_language_model(str(folder), "What is it?", FineTuneConfig())
    torch.manual_seed(0)
    network = MistralForCausalLM(MistralConfig(
        vocab_size=own.size, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, sliding_window=16,
        eos_token_id=own.end, pad_token_id=own.end,
    )).eval()  # fmt: skip
    with torch.no_grad():
        network.lm_head.weight.mul_(8)
        network.lm_head.weight[own.end] *= 2
    return LanguageModel(network, own.vocabulary, own.template, FineTuneConfig()).eval()


def test_a_model_that_forgets_is_filled_when_it_is_done(sliding: LanguageModel) -> None:
    torch.manual_seed(3)
    mask = torch.arange(5)[None] < torch.tensor([[2], [5], [3], [4], [1], [5]])
    rows = Features.of_tokens(torch.randn(6, 5, sliding.width), mask)
    state, _ = sliding.start(rows)
    assert not state.can_join
    config = DecodingConfig(longest=24, batch_size=4)
    pieces = [rows.take(torch.tensor(own)) for own in ([0, 1], [2, 3], [4, 5])]
    found = dict(as_they_end(sliding, pieces, config))
    whole = one_by_one(sliding, rows, config)
    assert [found[row].tokens for row in range(6)] == [text.tokens for text in whole]
    assert len({len(text) for text in whole}) > 1
