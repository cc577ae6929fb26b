"""The flow as a U-Net of diffusers."""

from __future__ import annotations

from torch import Tensor, nn

from plait.diffusion.weights import diffusers_of
from plait.drawing.flow import Flow, Shape
from plait.types import Features

GROUPS = 8
"""Channels are normalised in so many groups."""

STEPS = 1000
"""Times of a flow, 0..1, in the steps that the network's waves of time are made for."""


class FlowUNet(Flow):
    """Convolutions at one size after the other, down and up again, that attend to the Features.

    The network of Rombach et al. (CVPR 2022, section 3.3), with attention from the second size on;
    the pooled Features are added to what tells the time.

    Args:
        width_in: d of the Features.
        shape: of what is drawn.
        width: channels; half as many at the first size. A multiple of 16.
        sizes: each half of the one before.
        heads: of attention.
        dropout: in training.

    Raises:
        MissingExtraError: when diffusers is not there.
    """

    def __init__(
        self, width_in: int, shape: Shape, width: int, sizes: int, heads: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.shape = shape
        attending = ("CrossAttn",) * (sizes - 1)
        self.network = diffusers_of("A U-Net").UNet2DConditionModel(
            sample_size=(shape.height, shape.width),
            in_channels=shape.channels,
            out_channels=shape.channels,
            block_out_channels=(width // 2, *(width for _ in attending)),
            down_block_types=tuple(f"{kind}DownBlock2D" for kind in ("", *attending)),
            up_block_types=tuple(f"{kind}UpBlock2D" for kind in (*attending, "")),
            layers_per_block=1,
            norm_num_groups=GROUPS,
            cross_attention_dim=width,
            attention_head_dim=heads,  # which is how diffusers calls their number
            class_embed_type="simple_projection",
            projection_class_embeddings_input_dim=width,
            dropout=dropout,
        )
        self.pooled = nn.Sequential(nn.LayerNorm(width_in), nn.Linear(width_in, width))
        self.context = nn.Sequential(nn.LayerNorm(width_in), nn.Linear(width_in, width))

    def forward(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return the velocity (b c h w)."""
        velocity: Tensor = self.network(
            between,
            STEPS * time,
            encoder_hidden_states=self.context(features.tokens),
            encoder_attention_mask=features.mask,
            class_labels=self.pooled(features.pooled),
        ).sample
        return velocity
