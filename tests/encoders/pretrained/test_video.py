from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from made_media import moving, video_file
from transformers import AutoImageProcessor, AutoModel

from plait.data.video import Video, read_video
from plait.encoders.pretrained.image import ImageBackbone
from plait.encoders.pretrained.video import (
    FRAME_SIDE,
    ClipBackbone,
    FramesBackbone,
    video_backbone,
)  # fmt: skip


@pytest.fixture(scope="module")
def videos() -> list[Video]:
    return [read_video(video_file(moving(24, 1))), read_video(video_file(moving(36, 3)))]


def test_videomae_equals_transformers(tmp_path: Path, videos: list[Video]) -> None:
    folder = made_models.videomae(tmp_path / "videomae")
    backbone = video_backbone(folder, 8)
    assert isinstance(backbone, ClipBackbone)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    model = AutoModel.from_pretrained(folder).eval()
    backbone.pixels.processor = processor  # the same pixels for both
    with torch.no_grad():
        found = backbone([backbone.prepare(video) for video in videos])
        for row, video in enumerate(videos):
            frames = [np.ascontiguousarray(f) for f in video.clip(4, FRAME_SIDE).frames]
            values = processor(frames, return_tensors="pt")["pixel_values"]
            hidden = model(values.view(1, 4, *values.shape[-3:])).last_hidden_state[0]
            torch.testing.assert_close(found.tokens[row], hidden, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(found.pooled[row], hidden.mean(0), atol=1e-5, rtol=1e-5)
    assert (found.pooled[0] - found.pooled[1]).abs().max() > 1e-4


def test_cells_of_clips_have_time_and_place(tmp_path: Path, videos: list[Video]) -> None:
    backbone = ClipBackbone(made_models.videomae(tmp_path / "videomae"))
    with torch.no_grad():
        found = backbone([backbone.prepare(video) for video in videos])
    assert found.time is not None
    assert found.place is not None
    assert found.tokens.shape[1] == 2 * 16  # two moments of two frames each, four by four cells
    assert found.time[0, 0] < found.time[0, 16] < videos[0].seconds
    torch.testing.assert_close(found.place[0, 0], torch.full((2,), 0.125))
    torch.testing.assert_close(found.place[0, :16], found.place[0, 16:])


def test_frames_through_a_network_for_pictures(tmp_path: Path, videos: list[Video]) -> None:
    folder = made_models.vit(tmp_path / "vit")
    backbone, image = video_backbone(folder, 3), ImageBackbone(folder)
    assert isinstance(backbone, FramesBackbone)
    with torch.no_grad():
        found = backbone([backbone.prepare(video) for video in videos])
        frames = videos[1].clip(3, FRAME_SIDE).frames
        wanted = image([image.prepare([frame]) for frame in frames]).pooled
    torch.testing.assert_close(found.tokens[1], wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.pooled[1], wanted.mean(dim=0), atol=1e-5, rtol=1e-5)
    assert found.time is not None
    assert found.time[1].tolist() == pytest.approx(videos[1].clip(3, FRAME_SIDE).times.tolist())
