"""The stem of videos: a token for every frame that is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from plait.data.video import Video
from plait.encoders.classical_video import VideoConfig
from plait.encoders.convolutional import ResidualStages
from plait.encoders.padding import padded
from plait.encoders.pictures import normalised, squares
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
        self.map = nn.Linear(self.network.width, config.width)

    def preprocess(self, value: Video) -> tuple[np.ndarray, np.ndarray]:
        """Return (k side side 3) uint8 and (k) float32 seconds."""
        clip = value.clip(self.video.frames, 2 * self.config.side)
        return squares(list(clip.frames), self.config.side), clip.times

    def fit(self, samples: Sequence[tuple[np.ndarray, np.ndarray] | None]) -> None:
        """Make new weights."""
        renew(self)

    def forward(self, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> Features:
        """Return a token a frame, with its time."""
        # Not changed at random in training: changes from frame to frame would look like movement.
        pixels, counts = normalised([sample[0] for sample in samples])
        pixels = pixels.to(self.map.weight.device)
        rows = self.map(self.network(pixels).mean(dim=(2, 3))).split(counts)
        return padded(rows, [torch.from_numpy(sample[1]) for sample in samples])
