"""Files that cells name: which kind they are, where they lie, and their bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

from plait.data.remote import Remote, is_url
from plait.errors import CellError
from plait.types import Modality

MEDIA_SUFFIXES = {
    suffix: modality
    for modality, suffixes in {
        Modality.IMAGE: ".jpg .jpeg .png .webp .gif .bmp .tif .tiff .ppm .pgm .avif",
        Modality.AUDIO: ".wav .flac .mp3 .ogg .m4a .opus .aac",
        Modality.VIDEO: ".mp4 .mov .avi .mkv .webm .m4v",
    }.items()
    for suffix in suffixes.split()
}
"""The kind of a file by its suffix."""

_FIRST_BYTES = (
    (b"\xff\xd8\xff", Modality.IMAGE),
    (b"\x89PNG", Modality.IMAGE),
    (b"GIF8", Modality.IMAGE),
    (b"BM", Modality.IMAGE),
    (b"II*\0", Modality.IMAGE),
    (b"MM\0*", Modality.IMAGE),
    (b"fLaC", Modality.AUDIO),
    (b"OggS", Modality.AUDIO),
    (b"ID3", Modality.AUDIO),
    (b"\xff\xfb", Modality.AUDIO),
    (b"\xff\xf3", Modality.AUDIO),
    (b"\xff\xf2", Modality.AUDIO),
    (b"\xff\xf1", Modality.AUDIO),
    (b"\x1aE\xdf\xa3", Modality.VIDEO),
)

_RIFF = {b"WEBP": Modality.IMAGE, b"WAVE": Modality.AUDIO, b"AVI ": Modality.VIDEO}
_FTYP = {b"avif": Modality.IMAGE, b"heic": Modality.IMAGE, b"M4A ": Modality.AUDIO}


class Placed(str):
    """The name of a file that lies in another folder than the table's: that of a joined table."""

    folder: Path
    allow_outside: bool

    @classmethod
    def of(cls, value: str, folder: Path, allow_outside: bool) -> str:
        """Return the name with its folder; other words, and names that know their place, as is."""
        if isinstance(value, (cls, Remote)) or modality_of_name(value.strip()) is None:
            return value
        made = cls(value)
        made.folder, made.allow_outside = folder, allow_outside
        return made


def modality_of_name(value: str) -> Modality | None:
    """Return the modality that a file name's suffix stands for, or None."""
    if len(value) > 4096 or "\n" in value:
        return None
    dot = value.rfind(".")
    return MEDIA_SUFFIXES.get(value[dot:].lower()) if dot > 0 else None


def modality_of_bytes(value: bytes) -> Modality | None:
    """Return the modality that a file's first bytes stand for, or None."""
    if value[:4] == b"RIFF":
        return _RIFF.get(bytes(value[8:12]))
    if value[4:8] == b"ftyp":
        return _FTYP.get(bytes(value[8:12]), Modality.VIDEO)
    return next((kind for start, kind in _FIRST_BYTES if value.startswith(start)), None)


def locate(value: str, folder: Path, allow_outside: bool) -> Path:
    """Return the file that a cell names.

    Args:
        value: a path, relative to the table's folder or absolute; or what `plait.data.remote` can
            fetch.
        folder: the table's folder.
        allow_outside: whether the path may leave the folder.

    Raises:
        CellError: when the path leaves the folder, there is no such file, or it cannot be fetched.
    """
    if isinstance(value, Remote):
        return value.file()
    if isinstance(value, Placed):
        folder, allow_outside = value.folder, value.allow_outside
    if is_url(value):
        raise CellError(
            f"{value[:80]!r} is a URL, and nothing is fetched unless you allow it "
            "(allow_urls=True, --allow-urls)"
        )
    if "\0" in value:
        raise CellError("the path has a zero byte in it")
    try:
        path = (folder / value).resolve()
        if not path.is_file():
            path = (folder / value.strip()).resolve()
        inside = path.is_relative_to(folder.resolve())
        there = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # too long, links in a circle, no UTF-8
        raise CellError(f"{value[:80]!r} cannot be a path: {error}") from error
    if not allow_outside and not inside:
        raise CellError(
            f"path {value!r} leaves the table's folder (allow it with allow_outside=True, "
            "--allow-outside)"
        )
    if not there:
        raise CellError(f"there is no file {value!r}")
    return path


def read_bytes(value: Any, folder: Path, allow_outside: bool) -> bytes:
    """Return the bytes of a cell that holds a path or the bytes themselves.

    Raises:
        CellError: when the cell is neither, or the file cannot be read.
    """
    file = find_file(value, folder, allow_outside)
    if isinstance(file, bytes):
        return file
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unread(file, error) from error


def find_file(value: Any, folder: Path, allow_outside: bool) -> Path | bytes:
    """Return the file that a cell names, or the bytes that it holds: what is long is not read yet.

    Raises:
        CellError: when the cell is neither, or there is no such file.
    """
    if isinstance(value, dict):  # how Hugging Face tables store media
        value = value.get("bytes") or value.get("path")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (str, Path)):
        return locate(value if isinstance(value, str) else str(value), folder, allow_outside)
    raise CellError(f"expected a path or bytes, found {type(value).__name__}")


def open_file(file: Path | bytes) -> BinaryIO:
    """Return what `find_file` found as a file that is open for reading.

    Raises:
        CellError: when it cannot be opened.
    """
    if isinstance(file, bytes):
        return io.BytesIO(file)
    try:
        return file.open("rb")
    except OSError as error:
        raise _unread(file, error) from error


def _unread(file: Path, error: OSError) -> CellError:
    return CellError(f"cannot read {file.name!r}: {error.strerror}")
