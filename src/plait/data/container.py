"""Files that hold streams of pictures and sound, opened with FFmpeg's libraries (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from plait.errors import CellError

if TYPE_CHECKING:
    from av.container import InputContainer

FORMATS = ("mov", "matroska", "avi", "mpeg", "mpegts", "flv", "ogg", "asf", "aac", "mp3", "wav")
"""What files are opened as; FFmpeg knows more, some of which open other files (playlists)."""


@contextmanager
def open_container(file: BinaryIO) -> Iterator[InputContainer]:
    """Open the streams of a file; what FFmpeg cannot read inside the block is a CellError too.

    Raises:
        CellError: when it is of no known format, or broken.
    """
    import av

    try:
        options = {"format_whitelist": ",".join(FORMATS)}
        with av.open(file, "r", options=options, metadata_errors="ignore") as container:
            yield container
    except av.FFmpegError as error:
        raise CellError(f"cannot be decoded: {error.strerror}") from error
