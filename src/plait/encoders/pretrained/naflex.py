"""Pretrained networks that see a picture in its own proportions: SigLIP 2's NaFlex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from plait.data.image import Picture
from plait.encoders.padding import prefixes
from plait.encoders.pictures import grid_places
from plait.encoders.pretrained.backbone import Towered, require_output
from plait.encoders.pretrained.pixels import own_processor
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import quiet
from plait.types import Features

Patched = Sequence[tuple[np.ndarray, ...]]


class NaFlexTower(nn.Module):
    """From patches (n t p), their mask (n t) and grids (n 2) to vectors and hidden states."""

    def __init__(self, network: Any, folder: Path) -> None:
        super().__init__()
        self.network, self.folder = network, folder

    def forward(self, patches: Tensor, mask: Tensor, grids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the attention-pooled vectors and the hidden states."""
        see = getattr(self.network, "get_image_features", self.network)
        output = see(pixel_values=patches, pixel_attention_mask=mask, spatial_shapes=grids)
        return (
            require_output(output, "pooler_output", self.folder),
            require_output(output, "last_hidden_state", self.folder),
        )


class NaFlexBackbone(Towered):
    """One or several pictures a row, each cut into as many whole patches as fit into a budget.

    Neither is a picture cropped nor are its proportions changed by more than the rounding to whole
    patches (Tschannen et al., arXiv 2502.14786, section 3.4.2). The vector is the mean of the
    pictures' vectors; tokens are patches with their places. Positions are interpolated for each
    picture's own grid, which no compiled network follows: torch runs it.
    """

    kind = "image"
    compilable = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.processor = own_processor(folder)
        self.network = load_shared(folder)
        self.tower = NaFlexTower(self.network, folder)

    def prepare(self, value: Sequence[Picture]) -> tuple[np.ndarray, ...]:
        """Return the patches (k t p) of a row's k pictures, and their grids (k 2)."""
        with quiet():
            found = self.processor([np.ascontiguousarray(p) for p in value], return_tensors="np")
        return np.asarray(found["pixel_values"], np.float32), np.asarray(found["spatial_shapes"])

    def inputs(self, samples: Patched) -> tuple[Tensor, ...]:
        """Return the patches, mask and grids of all pictures of all rows."""
        patches = torch.from_numpy(np.concatenate([sample[0] for sample in samples]))
        grids = torch.from_numpy(np.concatenate([sample[1] for sample in samples]))
        mask = prefixes(grids.prod(dim=1).tolist(), patches.shape[1]).int()
        return patches, mask, grids

    def features(self, samples: Patched, pooled: Tensor, hidden: Tensor) -> Features:
        """Return Features of the patches that show something, picture after picture."""
        counts = [len(sample[1]) for sample in samples]
        grids = np.concatenate([sample[1] for sample in samples]).tolist()
        places = [grid_places(*grid) for grid in grids]
        tokens = [own[: len(place)] for own, place in zip(hidden, places, strict=True)]
        rows = _joined(tokens, counts)
        mask = prefixes([len(row) for row in rows], max(len(row) for row in rows))
        means = torch.stack([own.mean(dim=0) for own in pooled.split(counts)])
        seen = Features.of_tokens(pad_sequence(rows, batch_first=True), mask, means)
        return replace(seen, place=pad_sequence(_joined(places, counts), batch_first=True))


def _joined(pictures: Sequence[Tensor], counts: Sequence[int]) -> list[Tensor]:
    """Return what belongs to the pictures of each row in one tensor."""
    own = iter(pictures)
    return [torch.cat([next(own) for _ in range(count)]) for count in counts]
