"""WebDataset shards: tar files in which files that share a name are one row; nothing is unpacked.

Names are split as WebDataset splits them: at the first dot of the last part of the path.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.data.media import MEDIA_SUFFIXES
from plait.errors import TableError

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")

TEXTS, CLASSES = {"txt", "text"}, {"cls", "cls2"}
"""Extensions of texts, and of the class of a row."""


@dataclass(frozen=True)
class Member:
    """Where the bytes of one file lie in a shard."""

    shard: Path
    start: int
    size: int

    def read(self) -> bytes:
        """Return the bytes."""
        with self.shard.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


@dataclass(frozen=True)
class Members(Sequence[bytes | None]):
    """A column of files, each read from its shard when it is asked for."""

    members: Sequence[Member | None]

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one cell; slices not needed
        member = self.members[row]
        return None if member is None else member.read()


def shards_of(pattern: Path) -> list[Path]:
    """Return the files that `name-{000..012}.tar` stands for, or the one file.

    Raises:
        TableError: when one of them is not there.
    """
    found = [str(pattern)]
    while any(_RANGE.search(name) for name in found):
        found = [name for item in found for name in _expanded(item)]
    shards = [Path(name) for name in found]
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise TableError(
            f"{len(missing)} of {len(shards)} shards of {pattern.name!r} are not there, "
            f"{missing[0]!r} for one."
        )
    return shards


def _expanded(name: str) -> Iterator[str]:
    found = _RANGE.search(name)
    if found is None:
        yield name
        return
    first, last = found.groups()
    for number in range(int(first), int(last) + 1):
        yield f"{name[: found.start()]}{number:0{len(first)}d}{name[found.end() :]}"


def read_shards(shards: Sequence[Path]) -> dict[str, Sequence[Any]]:
    """Return columns: media under the name of their kind, `text`, `label`, and fields of JSON.

    Media of a name of their own (`0001.mask.png`) are a column of that name (`mask`).

    Raises:
        TableError: when a shard is broken or compressed, or a row has a file twice.
    """
    rows = [row for shard in shards for row in _rows(shard)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, Sequence[Any]] = {}
    for name in names:
        cells = [row.get(name) for row in rows]
        if any(isinstance(cell, Member) for cell in cells):
            columns[name] = Members([c if isinstance(c, Member) else None for c in cells])
        else:
            columns[name] = cells
    return columns


def _rows(shard: Path) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(shard, "r:") as tar:
            for item in tar:
                name = Path(item.name)
                if item.isfile() and not name.name.startswith("."):
                    key, _, extension = name.name.partition(".")
                    row = rows.setdefault(str(name.parent / key), {})
                    member = Member(shard, item.offset_data, item.size)
                    _add(row, extension.lower(), member, item.name)
    except tarfile.ReadError as error:
        raise TableError(
            f"{shard.name!r} cannot be read as a tar file ({error}); a compressed one must be "
            "unpacked first, since its rows cannot be jumped to."
        ) from error
    end = max((m.start + m.size for r in rows.values() for m in r.values()
               if isinstance(m, Member)), default=0)  # fmt: skip
    if end > shard.stat().st_size:
        raise TableError(f"{shard.name!r} is cut off: a file in it ends after the shard does.")
    return list(rows.values())


def _add(row: dict[str, Any], extension: str, member: Member, path: str) -> None:
    own, _, suffix = extension.rpartition(".")
    kind = MEDIA_SUFFIXES.get(f".{suffix}")
    found: dict[str, Any]
    if kind is not None:
        found = {own or kind.value: member}
    elif suffix in TEXTS:
        found = {own or "text": member.read().decode("utf-8", "replace")}
    elif suffix in CLASSES:
        found = {own or "label": member.read().decode("utf-8", "replace").strip()}
    elif suffix == "json":
        found = _fields(member, path)
    else:
        return
    for name, value in found.items():
        if name in row:
            raise TableError(f"{path!r} gives its row {name!r} a second time.")
        row[name] = value


def _fields(member: Member, path: str) -> dict[str, Any]:
    try:
        found = json.loads(member.read())
    except ValueError as error:
        raise TableError(f"{path!r} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise TableError(f"{path!r} must be a JSON object, found {type(found).__name__}.")
    return found
