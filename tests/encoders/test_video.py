"""Videos: movement is told from standing still, and frames are tokens with their times."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_media import moving, video_file

from plait.data.video import Clip, read_video
from plait.encoders.classical_image import ClassicalImageConfig
from plait.encoders.classical_video import GRID, ClassicalVideo, VideoConfig, movement
from plait.encoders.trained import TrainedConfig
from plait.encoders.video import Frames


def test_movement_is_where_it_is() -> None:
    still = np.full((3, 64, 64, 3), 100, np.uint8)
    blink = still.copy()
    blink[1, :16, 16:32] = 200
    cells = GRID * GRID
    for frames, expected in ((still, 0.0), (blink, 100 / 255)):
        found = movement(Clip(frames, np.arange(3, dtype=np.float32)), seconds=3.0)
        assert found.shape == (2 * 7 * cells + 1,)
        changes = found[7 * cells : 8 * cells]
        assert changes[1] == pytest.approx(expected, abs=0.01)
        assert np.delete(changes, 1) == pytest.approx(0, abs=0.01)
        assert found[-1] == pytest.approx(np.log(3))
    one = movement(Clip(still[:1], np.zeros(1, np.float32)), seconds=0.0)
    assert np.isfinite(one).all()


def test_speed_is_learned_without_a_look_at_time() -> None:
    videos = [read_video(video_file(moving(16, speed))) for speed in (0, 1, 2, 0, 1, 2)]
    image = ClassicalImageConfig(words=4, width=4)
    encoder = ClassicalVideo(VideoConfig(frames=8, motion=3), image)
    samples = [encoder.preprocess(video) for video in videos]
    encoder.fit(samples, np.zeros((6, 1)), 0)
    motion = encoder(samples).pooled[:, encoder.frames.width :]
    assert (motion[0] - motion[3]).norm() < 0.1 * (motion[0] - motion[2]).norm()


def test_a_token_a_frame_with_its_time() -> None:
    torch.manual_seed(0)
    stem = Frames(VideoConfig(frames=4), TrainedConfig(width=16, side=32))
    video = read_video(video_file(moving(20, 1), rate=10))
    samples = [stem.preprocess(video)]
    stem.fit(samples)
    found = stem(samples)
    assert found.tokens.shape == (1, 4, 16)
    assert found.time[0].tolist() == pytest.approx([0.2, 0.7, 1.2, 1.7], abs=0.06)
    assert (found.tokens[0, 0] - found.tokens[0, 3]).abs().max() > 1e-4
