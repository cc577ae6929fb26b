"""Pretrained networks for videos: VideoMAE, or the frames one by one through one for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from plait.data.video import Video
from plait.encoders.padding import padded
from plait.encoders.pictures import grid_places
from plait.encoders.pretrained.backbone import Backbone, Towered, require_output
from plait.encoders.pretrained.image import image_backbone
from plait.encoders.pretrained.pixels import Pixels
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import read_json
from plait.types import Features

FRAME_SIDE = 512
"""Frames are decoded no larger than this, in pixels."""

Clips = Sequence[tuple[np.ndarray, ...]]


def video_backbone(folder: Path, frames: int) -> Backbone:
    """Return the network of a folder for videos, whatever it was trained for."""
    if read_json(folder, "config.json").get("num_frames"):
        return ClipBackbone(folder)
    return FramesBackbone(folder, frames)


class FramesBackbone(Towered):
    """A network for pictures that sees the frames of a video one by one.

    Tokens are the vectors of frames with their times; the vector is their mean.
    """

    kind = "video"

    def __init__(self, folder: Path, frames: int) -> None:
        super().__init__(folder)
        self.image, self.frames = image_backbone(folder), frames
        self.network, self.tower = self.image.network, self.image.tower
        self.compilable = self.image.compilable

    def prepare(self, value: Video) -> tuple[np.ndarray, ...]:
        """Return k frames as the network sees pictures, and their times (k)."""
        clip = value.clip(self.frames, FRAME_SIDE)
        return *self.image.prepare(list(clip.frames)), clip.times

    def inputs(self, samples: Clips) -> tuple[Tensor, ...]:
        """Return all frames of all videos as the network reads pictures."""
        return self.image.inputs([sample[:-1] for sample in samples])

    def features(self, samples: Clips, pooled: Tensor, hidden: Tensor) -> Features:
        """Return Features of the vectors of frames."""
        times = [torch.from_numpy(sample[-1]) for sample in samples]
        return padded(pooled.split([len(time) for time in times]), times)


class ClipTower(nn.Module):
    """From (b k 3 h w) frames to the mean and all of the hidden states (b t d)."""

    def __init__(self, network: nn.Module, folder: Path) -> None:
        super().__init__()
        self.network, self.folder = network, folder

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors and hidden states."""
        hidden = require_output(self.network(frames), "last_hidden_state", self.folder)
        return hidden.mean(dim=1), hidden


class ClipBackbone(Towered):
    """A network that sees all frames of a clip together (VideoMAE, Tong et al., NeurIPS 2022).

    Tokens are cells of a few frames each, with time and place; the vector is their mean, as in the
    family's own classifiers.
    """

    kind = "video"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pixels = Pixels(folder)
        self.network = load_shared(folder)
        self.tower = ClipTower(self.network, folder)
        config = read_json(folder, "config.json")
        self.frames, self.patch = int(config["num_frames"]), int(config.get("patch_size", 16))

    def prepare(self, value: Video) -> tuple[np.ndarray, ...]:
        """Return (k 3 h w) of as many frames as the network reads, and their times (k)."""
        clip = value.clip(self.frames, FRAME_SIDE)
        return self.pixels.prepare(list(clip.frames)), clip.times

    def inputs(self, samples: Clips) -> tuple[Tensor, ...]:
        """Return (b k 3 h w)."""
        frames = self.pixels.normalise(np.concatenate([sample[0] for sample in samples]))
        return (frames.unflatten(0, (len(samples), self.frames)),)

    def features(self, samples: Clips, pooled: Tensor, hidden: Tensor) -> Features:
        """Return Features of cells, each with its time and place."""
        height, width = (side // self.patch for side in samples[0][0].shape[2:])
        moments = hidden.shape[1] // (height * width)
        times = torch.from_numpy(np.stack([sample[1] for sample in samples]))
        times = times.unflatten(1, (moments, -1)).mean(dim=2)
        mask = hidden.new_ones(hidden.shape[:2]).bool()
        return replace(
            Features.of_tokens(hidden, mask, pooled),
            time=times.repeat_interleave(height * width, dim=1),
            place=grid_places(height, width).repeat(moments, 1).expand(len(samples), -1, -1),
        )
