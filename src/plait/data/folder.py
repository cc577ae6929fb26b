"""A folder of files as a table: files that share a stem are one row, sub-folders are classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plait.data.encoding import find_encoding
from plait.data.media import MEDIA_SUFFIXES, locate
from plait.data.table import Table
from plait.errors import CellError, TableError
from plait.types import Modality

LONGEST_TEXT = 1024 * 1024
"""Characters of a text file that are read into its cell."""


def read_folder(folder: Path, allow_outside: bool = False) -> Table:
    """Read a folder of pictures, texts and sounds.

    `0001.jpg`, `0001.txt` and `0001.wav` in one folder are one row with the columns `image`,
    `text` and `audio`. When the files lie in sub-folders, the sub-folder's name is the row's
    `label`. Hidden files are passed over. A second file of one kind and stem, and a text behind a
    link that leaves the folder, are left out and listed in `problems`.

    Args:
        folder: the folder.
        allow_outside: whether links may leave the folder.

    Returns:
        A table with a column for each kind of file that was found.

    Raises:
        TableError: when there is no file of a known kind.
    """
    rows: dict[Path, dict[str, str]] = {}
    problems: list[tuple[int, str]] = []
    for path in sorted(_files(folder)):
        suffix = path.suffix.lower()
        kind = Modality.TEXT if suffix in {".txt", ".md"} else MEDIA_SUFFIXES.get(suffix)
        if kind is None:
            continue
        relative = path.relative_to(folder).as_posix()
        row = rows.setdefault(path.with_suffix(""), {})
        try:
            if kind.value in row:
                raise CellError(f"{relative!r} is a second {kind.value} of its row")
            if kind is Modality.TEXT:
                row["text"] = _text(locate(relative, folder, allow_outside))
            else:
                row[kind.value] = relative
        except (CellError, TableError, OSError) as error:
            problems.append((list(rows).index(path.with_suffix("")), str(error)))
    if not rows:
        raise TableError(
            f"There are no pictures, texts, sounds or videos in {str(folder)!r}; "
            "give a table file, or a folder of such files."
        )
    kinds = [k for k in ("image", "text", "audio", "video") if any(k in r for r in rows.values())]
    data: dict[str, list[str | None]] = {k: [row.get(k) for row in rows.values()] for k in kinds}
    if any(stem.parent != folder for stem in rows):
        data["label"] = [
            None if stem.parent == folder else stem.parent.relative_to(folder).as_posix()
            for stem in rows
        ]
    return Table.of(data, folder, allow_outside, tuple(problems))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _text(path: Path) -> str:
    with path.open(encoding=find_encoding(path), errors="replace") as file:
        return file.read(LONGEST_TEXT).strip()
