"""The classical encoder of videos: what is to be seen in its frames, and how much they move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from plait.config import check_range
from plait.data.video import Clip, Video
from plait.encoders.classical_image import ClassicalImage, ClassicalImageConfig
from plait.encoders.encoder import Encoder, present_of
from plait.encoders.reduction import ScaledReduction
from plait.encoders.statistics import over_time
from plait.types import Features

GRID = 4
"""Movement is looked at in cells of a grid of so many by so many."""

SMALL = 64
"""Side that frames are brought to for movement, in pixels."""

Looks = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""What pictures are made of, and (k) float32 statistics of movement."""

FITTED_ON = 4000
"""Videos that the scales and components of movement are learned from, at most."""


@dataclass(frozen=True)
class VideoConfig:
    """How videos are looked at, by every encoder of them.

    Attributes:
        frames: of a video that are looked at, evenly spaced in time.
        motion: components kept of the movement, by the classical encoder.
    """

    frames: int = 8
    motion: int = 32

    def __post_init__(self) -> None:
        check_range(self, "frames", 1, 1000)
        check_range(self, "motion", 1, 2048)


class ClassicalVideo(Encoder):
    """Videos to vectors: the mean of their frames as pictures, and statistics of their changes."""

    costly = True

    def __init__(self, config: VideoConfig, image: ClassicalImageConfig) -> None:
        super().__init__()
        self.config = config
        self.frames = ClassicalImage(image)
        self.motion = ScaledReduction(config.motion)

    @property
    def width(self) -> int:
        """The components of the frames and of the movement together."""
        return self.frames.width + self.motion.width

    def preprocess(self, value: Video) -> Looks:
        """Return what pictures are made of, and (k) float32 statistics of movement."""
        clip = value.clip(self.config.frames, max(self.frames.config.side, SMALL))
        return (*self.frames.preprocess(list(clip.frames)), movement(clip, value.seconds))

    def fit(
        self,
        samples: Sequence[Looks | None],
        target: np.ndarray,
        seed: int,
    ) -> None:
        """Learn from the frames, and from the movement."""
        chosen = present_of(samples, FITTED_ON, seed)
        self.frames.fit([sample[:-1] for sample in chosen], target, seed)
        if chosen:
            self.motion.fit(torch.from_numpy(np.stack([sample[-1] for sample in chosen])), seed)

    def encode(self, samples: Sequence[Looks]) -> Features:
        """Return one token a row: frames and movement side by side."""
        frames = self.frames.encode([sample[:-1] for sample in samples]).pooled
        motion = self.motion(torch.from_numpy(np.stack([sample[-1] for sample in samples])))
        return Features.of_vectors(torch.cat([frames, motion], dim=1))


def movement(clip: Clip, seconds: float) -> np.ndarray:
    """Return (k) float32: brightness over time, how it changes in each cell, and the length.

    Changes are between frames that follow each other, so they are of the same time apart in videos
    of one length only; the length is among the statistics.
    """
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip.frames]
    small = np.stack([cv2.resize(g, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for g in grey])
    cells = small.reshape(len(small), GRID, SMALL // GRID, GRID, SMALL // GRID) / 255.0
    brightness = cells.mean(axis=(2, 4)).reshape(len(small), -1)
    if len(small) > 1:
        changes = np.abs(np.diff(cells, axis=0)).mean(axis=(2, 4)).reshape(len(small) - 1, -1)
    else:
        changes = np.zeros((1, GRID * GRID))
    length = [np.log(max(seconds, 1e-3))]
    return np.concatenate([over_time(brightness), over_time(changes), length]).astype(np.float32)
