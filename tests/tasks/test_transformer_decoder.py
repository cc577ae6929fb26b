"""The decoder of one's own: causal, the same step by step, and as torch's own computes it."""

from __future__ import annotations

import torch
from small_network import stirred
from torch import nn

from plait.tasks.transformer_decoder import TransformerDecoder
from plait.types import Features

WIDTH, HEADS, VOCABULARY = 16, 2, 11


def decoder(layers: int = 2) -> TransformerDecoder:
    torch.manual_seed(0)
    return stirred(TransformerDecoder(6, VOCABULARY, 1, 0, WIDTH, layers, HEADS, 0.0), 0.1)


def features() -> Features:
    torch.manual_seed(2)
    mask = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
    return Features.of_tokens(torch.randn(3, 3, 6), mask)


TOKENS = torch.tensor([[3, 5, 2, 0], [4, 4, 0, -1], [7, 2, 9, 10]])


def test_step_by_step_is_the_whole_at_once() -> None:
    own, made = features(), decoder()
    with torch.no_grad():
        whole = made(own, TOKENS)
        state, scores = made.start(own)
        for place in range(TOKENS.shape[1]):
            torch.testing.assert_close(scores, whole[:, place])
            if place + 1 < TOKENS.shape[1]:
                scores = made.step(state, TOKENS[:, place].clamp_min(0))


def test_rows_may_leave_and_repeat() -> None:
    own, made = features(), decoder()
    with torch.no_grad():
        whole = made(own, TOKENS)
        state, _ = made.start(own)
        made.step(state, TOKENS[:, 0])
        state.select(torch.tensor([2, 0, 2]))
        scores = made.step(state, TOKENS[[2, 0, 2], 1])
    torch.testing.assert_close(scores, whole[[2, 0, 2], 2])


def test_what_comes_later_changes_nothing() -> None:
    own, made = features(), decoder()
    other = TOKENS.clone()
    other[:, 2:] = 8
    with torch.no_grad():
        one, two = made(own, TOKENS), made(own, other)
    torch.testing.assert_close(one[:, :3], two[:, :3])
    assert not torch.allclose(one[:, 3], two[:, 3])


def test_what_is_masked_changes_nothing_and_what_is_there_does() -> None:
    own, made = features(), decoder()
    noise = torch.where(own.mask[:, :, None], 0.0, 5.0)
    with torch.no_grad():
        one, two = made(own, TOKENS), made(own.with_tokens(own.tokens + noise), TOKENS)
        three = made(own.with_tokens(own.tokens + 1 * own.mask[:, :, None]), TOKENS)
    torch.testing.assert_close(one, two)
    assert torch.isfinite(one).all(), "a row of nothing at all"
    assert not torch.allclose(one[:2], three[:2])


def test_one_block_is_that_of_torch() -> None:
    """The same weights in torch's decoder layer, which turns nothing; nor do we, at place 0."""
    own, made = features().take(torch.tensor([0])), decoder(layers=1)
    block = made.blocks[0]
    theirs = nn.TransformerDecoderLayer(
        WIDTH, HEADS, 4 * WIDTH, 0.0, nn.functional.gelu, batch_first=True, norm_first=True
    ).eval()
    pairs = [(block.attention, theirs.self_attn), (block.cross, theirs.multihead_attn)]
    with torch.no_grad():
        for mine, other in pairs:
            other.in_proj_weight.copy_(torch.cat([mine.query.weight, mine.key_value.weight]))
            other.in_proj_bias.copy_(torch.cat([mine.query.bias, mine.key_value.bias]))
            other.out_proj.load_state_dict(mine.out.state_dict())
        theirs.norm1.load_state_dict(block.norm.state_dict())
        theirs.norm2.load_state_dict(block.cross_norm.state_dict())
        theirs.norm3.load_state_dict(block.hidden[0].state_dict())
        theirs.linear1.load_state_dict(block.hidden[1].state_dict())
        theirs.linear2.load_state_dict(block.hidden[4].state_dict())
        begin = made.vectors(torch.tensor([[1]]))
        expected = theirs(begin, made.context(own.tokens))
        expected = made.norm(expected) @ made.vectors.weight.T
        found = made(own, torch.tensor([[5]]))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_what_is_seen_is_not_drowned_by_the_decoders_own_tokens() -> None:
    """Before any step a fifth of the spread of scores is due to the Features.

    With tokens as long as sqrt(d) it is a twentieth, and shapes in pictures were never learned.
    """
    torch.manual_seed(0)
    made = TransformerDecoder(96, 50, 1, 0, 96, 1, 4, 0.0).eval()
    seen = Features.of_tokens(torch.randn(64, 6, 96), torch.ones(64, 6).bool())
    with torch.no_grad():
        scores = made.start(seen)[1]
    assert scores.std(dim=0).mean() > 0.15 * scores.std()
