"""Videos: frames of a file at the moments that are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.data.container import open_container
from plait.data.image import MAX_PIXELS, Picture
from plait.data.media import find_file, open_file
from plait.errors import CellError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SEEK_AFTER = 5.0
"""Seconds between wanted frames above which jumping to a key frame is quicker than decoding all."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Some frames of a video.

    Attributes:
        frames: (k h w 3) uint8, RGB, upright.
        times: (k) float32, seconds from the start of the video.
    """

    frames: np.ndarray
    times: np.ndarray


@dataclass(frozen=True, eq=False)
class Video:
    """A file with pictures in time, of which nothing is decoded until it is asked for.

    Attributes:
        file: its path, or its bytes.
        seconds: how long it is.
        height: of its frames, in pixels, as they are stored.
        width: of its frames.
    """

    file: Path | bytes = field(repr=False)
    seconds: float
    height: int
    width: int

    def clip(self, count: int, side: int) -> Clip:
        """Return frames at the middles of `count` equal parts of the video.

        Args:
            count: of frames.
            side: longest side that frames are brought down to, in pixels.

        Raises:
            CellError: when the video is broken, or ends before its time.
        """
        wanted = [(number + 0.5) * self.seconds / count for number in range(count)]
        with open_file(self.file) as file, open_container(file) as container:
            found = list(_shown_at(container, container.streams.video[0], wanted))
            pictures = [_upright(frame, side) for frame, _ in found]
        times = np.array([time for _, time in found], np.float32)
        return Clip(np.stack(pictures), times)


def read_video(value: Any, folder: Path = Path(), allow_outside: bool = False) -> Video:
    """Find out how long and large a cell's video is.

    Args:
        value: a path, bytes, or a dictionary with `bytes` or `path`.
        folder: where relative paths start.
        allow_outside: whether paths may leave the folder.

    Raises:
        CellError: when it is no video, or not even its first frame can be decoded.
    """
    content = find_file(value, folder, allow_outside)
    with open_file(content) as file, open_container(file) as container:
        if not container.streams.video:
            raise CellError("has no pictures")
        stream = container.streams.video[0]
        height, width = stream.codec_context.height, stream.codec_context.width
        if height * width > MAX_PIXELS:
            raise CellError(f"has {width}x{height} pixels, more than the limit of {MAX_PIXELS:,}")
        if next(container.decode(stream), None) is None:
            raise CellError("has no frame that can be decoded")
        seconds = _seconds(container, stream)
    return Video(content, seconds, height, width)


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    """Return the length; where no header says it (browsers), when the last frame comes."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / 1e6  # FFmpeg counts a file's length in microseconds
    container.seek(0)
    times = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
    return float((max(times) - min(times)) * (stream.time_base or 0)) if times else 0.0


def _shown_at(
    container: InputContainer, stream: VideoStream, wanted: Sequence[float]
) -> Iterator[tuple[VideoFrame, float]]:
    """Yield the frame that is on the screen at each of the rising moments, and when it came up."""
    start = _time_of(stream.start_time or 0, stream)
    frames = _from(container, stream, start)
    shown = next(frames, None)
    ahead = next(frames, None)
    for moment in wanted:
        if shown and ahead and moment - shown[1] > SEEK_AFTER:
            frames = _from(container, stream, start, moment)
            shown, ahead = next(frames, None), next(frames, None)
        while ahead is not None and ahead[1] <= moment:
            shown, ahead = ahead, next(frames, None)
        if shown is None:
            raise CellError("has no frame that can be decoded")
        # The last frame stays on the screen for a while; more than a second of it is a cut-off.
        if ahead is None and moment - shown[1] > max(1.0, 2 / float(stream.average_rate or 1)):
            raise CellError(f"cut off after {shown[1]:.1f} seconds, no frame at {moment:.1f}")
        yield shown


def _from(
    container: InputContainer, stream: VideoStream, start: float, moment: float = 0.0
) -> Iterator[tuple[VideoFrame, float]]:
    """Yield the frames from the key frame before a moment on, with their times."""
    if moment and stream.time_base:
        container.seek(math.floor((moment + start) / stream.time_base), stream=stream)
    for frame in container.decode(stream):
        stamp = frame.dts if frame.pts is None else frame.pts
        yield frame, 0.0 if stamp is None else _time_of(stamp, stream) - start


def _time_of(stamp: int, stream: VideoStream) -> float:
    return float(stamp * (stream.time_base or 0))


def _upright(frame: VideoFrame, side: int) -> Picture:
    """Return a frame no larger than `side`, turned as the file says (phones do not turn pixels)."""
    scale = min(side / max(frame.width, frame.height), 1.0)
    width, height = (max(round(length * scale), 1) for length in (frame.width, frame.height))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
