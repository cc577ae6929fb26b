"""torch's own layers with the weights of ours, to compare with."""

from __future__ import annotations

import torch
from torch import nn

from plait.attention import Attention, Block


def multihead(layer: Attention) -> nn.MultiheadAttention:
    """Return torch's attention with the weights of a layer."""
    width = layer.query.in_features
    reference = nn.MultiheadAttention(width, layer.heads, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([layer.query.weight, layer.key_value.weight]))
        reference.in_proj_bias.copy_(torch.cat([layer.query.bias, layer.key_value.bias]))
        reference.out_proj.load_state_dict(layer.out.state_dict())
    return reference.eval().requires_grad_(False)


def encoder_layer(block: Block) -> nn.TransformerEncoderLayer:
    """Return torch's Transformer layer with the weights of a block."""
    width, hidden = block.hidden[1].in_features, block.hidden[1].out_features
    reference = nn.TransformerEncoderLayer(
        width, block.attention.heads, hidden, activation="gelu", norm_first=True, batch_first=True
    )
    reference.self_attn = multihead(block.attention)
    for mine, theirs in (
        (block.norm, reference.norm1),
        (block.hidden[0], reference.norm2),
        (block.hidden[1], reference.linear1),
        (block.hidden[4], reference.linear2),
    ):
        theirs.load_state_dict(mine.state_dict())
    return reference.eval().requires_grad_(False)
