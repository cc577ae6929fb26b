"""Sounds and videos that tests make, with the true libraries."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import soundfile

RATE = 8000


def tone(hertz: float, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """Return (t) float32 of one pitch."""
    times = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def sound_file(samples: np.ndarray, rate: int = RATE, kind: str = "WAV") -> bytes:
    """Return a sound file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def video_file(
    frames: np.ndarray, rate: int = 10, sound: np.ndarray | None = None, kind: str = "mp4"
) -> bytes:
    """Return a video file of (t h w 3) uint8 frames, so many a second, and perhaps a sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        track = None if sound is None else container.add_stream("aac", rate=RATE)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
        if track is not None and sound is not None:
            block = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
            block.rate, block.time_base, block.pts = RATE, Fraction(1, RATE), 0
            container.mux(track.encode(block))
            container.mux(track.encode())
    return file.getvalue()


def moving(frames: int, speed: int, side: int = 48) -> np.ndarray:
    """Return (t side side 3) uint8: a bright square that moves to the right over grey."""
    found = np.full((frames, side, side, 3), 90, np.uint8)
    for number, frame in enumerate(found):
        left = (4 + speed * number) % (side - 12)
        frame[16:28, left : left + 12] = (230, 200, 40)
    return found
