"""Attention between sources against torch's layers, row by row and source by source."""

from __future__ import annotations

import torch
from fusion_rows import LENGTHS, THREE, build, mapped_tokens, pooled, some_missing
from references import encoder_layer, multihead
from torch import Tensor

from plait.attention import Block
from plait.fusion.fusion import FusionConfig
from plait.fusion.interaction import Bottleneck

NAMES = sorted(THREE)


def crossed(block: Block, tokens: Tensor, context: Tensor) -> Tensor:
    """Return one layer in which tokens ask and a context answers, with torch's own attention."""
    own, other = block.norm(tokens), block.norm(context)
    tokens = tokens + multihead(block.attention)(own, other, other)[0]
    hidden = torch.nn.functional.gelu(block.hidden[1](block.hidden[0](tokens)))
    return tokens + block.hidden[4](hidden)


def test_self_attention_is_one_transformer_over_all_tokens() -> None:
    parts, fusion = some_missing(LENGTHS), build("self_attention")
    found = fusion(parts).pooled
    for row in range(4):
        present = mapped_tokens(fusion, parts, row)
        tokens = torch.cat(list(present.values()), dim=1)
        for block in fusion.transformer.blocks:
            tokens = encoder_layer(block)(tokens)
        mixed = tokens.split([own.shape[1] for own in present.values()], dim=1)
        assert torch.allclose(found[row], pooled(fusion, list(mixed)), atol=1e-4)


def test_cross_attention_as_mult() -> None:
    parts, fusion = some_missing(LENGTHS), build("cross_attention")
    found = fusion(parts).pooled
    for row in range(4):
        present = mapped_tokens(fusion, parts, row)
        mixed = []
        for name, tokens in present.items():
            a, seen = NAMES.index(name), []
            for other in NAMES:
                if other == name:
                    continue
                asked = tokens
                for block in fusion.crossings[f"{a}<-{NAMES.index(other)}"].blocks:
                    if other in present:
                        asked = crossed(block, asked, present[other])
                    else:  # nobody answers: the hidden layer alone
                        asked = asked + block.hidden(asked)
                seen.append(asked)
            own = fusion.back[a](torch.cat(seen, dim=-1))
            for block in fusion.memory[a].blocks:
                own = encoder_layer(block)(own)
            mixed.append(own)
        assert torch.allclose(found[row], pooled(fusion, mixed), atol=1e-4)


def test_bottleneck_as_mbt() -> None:
    parts, fusion = some_missing(LENGTHS), build("bottleneck")
    found = fusion(parts).pooled
    for row in range(4):
        states = mapped_tokens(fusion, parts, row)
        shared = fusion.bottlenecks[None]
        for layer in range(2):
            updated = []
            for name, tokens in states.items():
                block = fusion.layers[layer].blocks[NAMES.index(name)]
                both = encoder_layer(block)(torch.cat([tokens, shared], dim=1))
                states[name] = both[:, :-2]
                updated.append(both[:, -2:])
            shared = torch.stack(updated).mean(dim=0)
        assert torch.allclose(found[row], pooled(fusion, list(states.values())), atol=1e-4)


def test_bottlenecks_are_the_only_way_between_sources() -> None:
    parts, fusion = some_missing(LENGTHS), build("bottleneck")
    other = {**parts, "photo": parts["photo"].with_tokens(-parts["photo"].tokens)}
    text = [number for number, source in enumerate(fusion(parts).source[0]) if source == 2]
    apart = (fusion(parts).tokens - fusion(other).tokens)[0, text]
    assert apart.abs().max() > 1e-3
    torch.nn.init.zeros_(fusion.bottlenecks)
    for layer in fusion.layers:
        for (
            block
        ) in layer.blocks:  # nothing is written into the bottleneck tokens, nor read from them
            torch.nn.init.zeros_(block.attention.out.weight)
    apart = (fusion(parts).tokens - fusion(other).tokens)[0, text]
    assert apart.abs().max() < 1e-6


def test_one_layer_would_write_into_the_bottleneck_and_never_read() -> None:
    one = Bottleneck(THREE, FusionConfig(8, heads=2, layers=1))
    assert len(one.layers) == 2
