"""The network that draws: encoders, a fusion that keeps tokens, a flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plait.data.loader import Source
from plait.diffusion.flow_unet import FlowUNet
from plait.drawer.canvas import Canvas, Pixels
from plait.drawer.latents import Latents
from plait.drawing.flow import Flow, Shape
from plait.encoders.encoder import Encoder
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import build_encoder
from plait.making.reading import fusion_of
from plait.network import Network
from plait.tasks.draw import Draw
from plait.tasks.draw_config import DrawConfig
from plait.tasks.flow_transformer import FlowTransformer


@dataclass(frozen=True)
class Build:
    """What reads the sources, before anything is learned: encoders, frozen and trained."""

    frozen: dict[str, Encoder]
    trained: dict[str, Encoder]

    @property
    def encoders(self) -> dict[str, Encoder]:
        """All of them."""
        return self.frozen | self.trained


def build(sources: Sequence[Source], config: FitConfig) -> Build:
    """Return new encoders."""
    made = {source.name: build_encoder(source, config.encoders) for source in sources}
    return Build(
        {name: encoder for name, encoder in made.items() if not encoder.trained},
        {name: made[name] for name in sorted(made) if made[name].trained},
    )


def network_of(widths: Mapping[str, int], made: Build, shape: Shape, config: FitConfig) -> Network:
    """Return the network.

    Args:
        widths: of the Features of every source.
        made: the encoders, of which the trained ones become part of it.
        shape: of what is drawn.
        config: all settings.
    """
    fusion = fusion_of(widths, config)
    flow = flow_of(fusion.width, shape, config.draw)
    task = Draw(flow, config.draw.unconditioned, config.draw.drawing)
    return Network(made.trained, fusion, task)


def flow_of(width_in: int, shape: Shape, config: DrawConfig) -> Flow:
    """Return what draws, of the kind that is asked for, from Features (b d) of a width."""
    size = (config.width, config.layers, config.heads, config.dropout)
    if config.network == "unet":
        return FlowUNet(width_in, shape, *size)
    return FlowTransformer(width_in, shape, config.patch, *size)


def canvas_of(config: DrawConfig) -> Canvas:
    """Return what is drawn on.

    Raises:
        ModelError: when the autoencoder cannot be had.
    """
    if not config.autoencoder:
        return Pixels(config.side)
    return Latents(config.autoencoder, config.side)
