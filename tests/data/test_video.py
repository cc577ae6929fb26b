"""Videos: frames by their times, length and size, and what is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_media import moving, sound_file, tone, video_file

from plait.data import video
from plait.data.video import Video, read_video
from plait.errors import CellError


def left_of(frame: np.ndarray) -> int:
    """Return where the yellow square begins."""
    return int(np.flatnonzero((frame[22, :, 2] < 70) & (frame[22, :, 0] > 180))[0])


def test_frames_at_the_middles_of_equal_parts(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(video_file(moving(20, 1), rate=10))
    for value in ("a.mp4", (tmp_path / "a.mp4").read_bytes()):
        found = read_video(value, tmp_path)
        assert found.seconds == pytest.approx(2.0, abs=0.01)
        assert (found.height, found.width) == (48, 48)
        clip = found.clip(4, 100)
        assert clip.frames.shape == (4, 48, 48, 3)
        assert clip.times.tolist() == pytest.approx([0.2, 0.7, 1.2, 1.7], abs=0.06)
        places = [left_of(frame) for frame in clip.frames]
        assert places == pytest.approx([4 + round(10 * t) for t in clip.times], abs=2)


def test_more_frames_than_there_are_and_smaller_ones() -> None:
    clip = read_video(video_file(moving(3, 1))).clip(8, 24)
    assert clip.frames.shape == (8, 24, 24, 3)
    assert (np.diff(clip.times) >= 0).all()


def test_jumping_gives_what_decoding_all_gives(monkeypatch) -> None:
    content = video_file(moving(60, 1), rate=5)
    one = read_video(content).clip(3, 48)
    monkeypatch.setattr(video, "SEEK_AFTER", 0.5)
    other = read_video(content).clip(3, 48)
    assert np.array_equal(one.times, other.times)
    assert np.abs(one.frames.astype(int) - other.frames).max() <= 2


def test_what_cannot_be_seen(monkeypatch) -> None:
    whole = video_file(moving(40, 1), kind="matroska")  # its length stands at the start
    size = len(whole)
    for value, message in (
        (whole[: size // 20], "cannot be decoded: Input/output error"),
        (whole[: size // 5], "has no frame that can be decoded"),
        (whole[: size // 2], r"cut off after 1\.\d seconds, no frame at 3\.5"),
        (b"nothing of the kind", "cannot be decoded"),
        (sound_file(tone(440)), "has no pictures"),
    ):
        with pytest.raises(CellError, match=message):
            read_video(value).clip(4, 48)
    with pytest.raises(CellError, match="has no frame that can be decoded"):
        Video(whole[: size // 5], seconds=4.0, height=48, width=48).clip(4, 48)
    monkeypatch.setattr(video, "MAX_PIXELS", 100)
    with pytest.raises(CellError, match="has 48x48 pixels, more than the limit of 100"):
        read_video(whole)
