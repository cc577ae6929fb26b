"""The stems of videos: a token for every frame that is looked at, or for every cell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from plait.data.video import Video
from plait.encoders.classical_video import VideoConfig
from plait.encoders.convolutional import ResidualStages
from plait.encoders.padding import padded
from plait.encoders.pictures import grid_places, normalised, squares
from plait.encoders.trained import Stem, TrainedConfig
from plait.layers import renew
from plait.types import Features


class Frames(Stem):
    """A token for every frame, with its time: the mean over the cells of a residual network.

    The frames are seen by the same network, and what happens over time is left to the body
    (Donahue et al., Long-term recurrent convolutional networks, CVPR 2015).
    """

    costly = True

    def __init__(self, video: VideoConfig, config: TrainedConfig) -> None:
        super().__init__()
        self.video, self.config = video, config
        self.network = ResidualStages(3, config)
        self.map = nn.Linear(self.network.widths[-1], config.width)

    def preprocess(self, value: Video) -> tuple[np.ndarray, np.ndarray]:
        """Return (k side side 3) uint8 and (k) float32 seconds."""
        clip = value.clip(self.video.frames, 2 * self.config.side)
        return squares(list(clip.frames), self.config.side), clip.times

    def fit(self, samples: Sequence[tuple[np.ndarray, np.ndarray] | None]) -> None:
        """Make new weights."""
        renew(self)

    def forward(self, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> Features:
        """Return a token a frame, with its time."""
        cells, counts = self._seen(samples)
        rows = self.map(cells.mean(dim=(2, 3))).split(counts)
        return padded(rows, [torch.from_numpy(sample[1]) for sample in samples])

    def _seen(self, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, list[int]]:
        """Return the cells (n d h w) of all frames, and how many frames each video has."""
        # Not changed at random in training: changes from frame to frame would look like movement.
        pixels, counts = normalised([sample[0] for sample in samples])
        return self.network(pixels.to(self.map.weight.device)), counts


class FrameCells(Frames):
    """A token for every cell of every frame, with its time and place.

    Joint attention over space and time needs them (Bertasius et al., ICML 2021, section 3).
    """

    def forward(self, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> Features:
        """Return the tokens of the first frame, then those of the second..."""
        cells, counts = self._seen(samples)
        height, width = cells.shape[2:]
        tokens = self.map(cells.flatten(start_dim=2).transpose(1, 2))  # (n cells d)
        rows = [frames.flatten(0, 1) for frames in tokens.split(counts)]
        moments = [torch.from_numpy(sample[1]) for sample in samples]
        found = padded(rows, [times.repeat_interleave(height * width) for times in moments])
        places = grid_places(height, width).to(tokens.device)
        place = places.repeat(max(counts), 1).expand(len(samples), -1, -1)
        return replace(found, place=place)
