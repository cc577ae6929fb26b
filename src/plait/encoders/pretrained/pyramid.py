"""The hidden maps of a pretrained network of pictures, each scale's last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.encoders.pretrained.adapted import Adapted
from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.pixels import Pixels
from plait.encoders.pretrained.tuned import NORMS
from plait.encoders.pretrained.weights import find_model, load_network
from plait.encoders.pyramid import Pyramid
from plait.errors import ModelError
from plait.types import Sample


class Hidden(nn.Module):
    """From (b 3 h w) pixels to the last hidden map of every resolution, the finest first.

    Networks of one resolution (ViT) have one map. Their positions are interpolated to the size of
    the picture.

    Args:
        folder: of the model.

    Raises:
        ModelError: when it reads no pictures, or leaves no maps.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.network: Any = load_network(folder)
        self.network = getattr(self.network, "vision_model", self.network)
        self.folder = folder
        if self.network.main_input_name != "pixel_values":
            raise ModelError(
                f"The model in {str(folder)!r} reads {self.network.main_input_name}, not pictures."
            )

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps."""
        more: Mapping[str, Any] = {}
        if hasattr(self.network.config, "patch_size") and self.network.config.model_type != "swin":
            more = {"interpolate_pos_encoding": True}
        output = self.network(pixel_values=pixels, output_hidden_states=True, **more)
        states = getattr(output, "reshaped_hidden_states", None) or output.hidden_states or ()
        last = output.last_hidden_state
        maps: dict[int, Tensor] = {s.shape[-1]: s for s in (*states, last) if s.ndim == 4}
        if not maps:
            maps = {0: self._grid(last, *pixels.shape[2:])}
        return [maps[size] for size in sorted(maps, reverse=True)]

    def _grid(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Return (b t d) tokens as a map, without those that stand before the patches."""
        patch = getattr(self.network.config, "patch_size", None)
        if not isinstance(patch, int) or (height // patch) * (width // patch) > tokens.shape[1]:
            raise ModelError(
                f"The model in {str(self.folder)!r} leaves no map of a picture that masks can be "
                "made from; take a convolutional network, Swin or a ViT."
            )
        grid = (height // patch, width // patch)
        kept = tokens[:, tokens.shape[1] - grid[0] * grid[1] :]
        return kept.transpose(1, 2).unflatten(2, grid)


class PretrainedPyramid(Pyramid):
    """The maps of a pretrained network, whose weights stay as they are or learn slowly.

    Args:
        name: of the model: on the hub, or its folder.
        side: of the pictures.
        width: d of the tokens.
        config: which of its weights learn.

    Raises:
        ModelError: when the model cannot be had, or leaves no maps.
    """

    def __init__(self, name: str, side: int, width: int, config: FineTuneConfig) -> None:
        folder = find_model(name)
        backbone, steps = Hidden(folder), Pixels(folder).steps
        if steps is None:
            raise ModelError(
                f"How the model in {str(folder)!r} prepares pictures is not known well enough to "
                "do it at another size; take another model for masks."
            )
        backbone.requires_grad_(False).eval()
        try:
            with torch.no_grad():
                maps = backbone(torch.zeros(1, 3, side, side))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                f"The model in {str(folder)!r} leaves no maps of a picture of {side}x{side} "
                f"pixels: {error}. Take another size (segment.side) or model."
            ) from error
        super().__init__(side, width, maps[-1].shape[1])
        self.backbone, self.steps, self.config = backbone, steps, config
        self._widths = tuple(m.shape[1] for m in maps)
        self._finest = side // maps[0].shape[-1]
        self._adapted = Adapted()

    @property
    def widths(self) -> tuple[int, ...]:
        """Those of the network's maps."""
        return self._widths

    @property
    def finest(self) -> int:
        """That of the network's finest map."""
        return self._finest

    def scales(self, samples: Sequence[np.ndarray]) -> Sequence[Tensor]:
        """Return the network's maps, without a graph where none of its weights learns."""
        pixels = torch.from_numpy(np.concatenate(samples)).permute(0, 3, 1, 2)
        if self.steps.rescale_first:
            pixels = pixels.float() * self.steps.rescale
        pixels = self.steps.normalise(pixels)
        if self.rates():
            maps: list[Tensor] = self.backbone(pixels)
            return maps
        with torch.no_grad():
            return [m.detach() for m in self.backbone(pixels)]

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Make what is new, and choose the weights that learn."""
        super().fit(samples, target, seed)
        if self.config.way == "none":
            return
        self.backbone.requires_grad_()
        sum(m.sum() for m in self.backbone(torch.rand(1, 3, self.side, self.side))).backward()
        used = {n for n, p in self.backbone.network.named_parameters() if p.grad is not None}
        self.backbone.requires_grad_(False).zero_grad()
        self._adapted = Adapted.begin(self.backbone.network, [used], self.config)

    def rates(self) -> dict[nn.Parameter, float]:
        """Return the highest learning rate of each weight of the network that learns."""
        return self._adapted.rates

    def finish(self) -> None:
        """Merge what was learned beside the weights into them."""
        self._adapted.finish()

    def train(self, mode: bool = True) -> PretrainedPyramid:
        """Let dropout work, or not; normalisation over batches never changes."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, NORMS):
                module.eval()
        if not self.rates():
            self.backbone.eval()
        return self
