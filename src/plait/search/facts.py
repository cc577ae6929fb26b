"""What an index knows of itself, and the columns that it adds to a table's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VECTOR, TEXT, THUMBNAIL = "_vector", "_text", "_thumbnail"

OWN = (VECTOR, TEXT, THUMBNAIL)
"""Columns that the index adds to those of the table."""

ROW, CHANGED = "_rowid", "_row_last_updated_at_version"
"""Of Lance: a number that a row keeps through changes and compaction; the version it is of."""

KEY = b"plait"

FORMAT = 1


@dataclass(frozen=True)
class Facts:
    """What an index knows of itself; it stands in the schema, so that each version has its own.

    Attributes:
        fingerprint: of the space that made the vectors.
        group: of columns, whose vectors they are.
        columns: modality of each column of the table that is kept.
        text: columns whose words are found.
        picture: column that the sheet of results shows; None where there is none.
        key: column whose values tell rows apart, so that added rows replace their like; or None.
        language: whose endings words are freed of ("English"); None takes words as they are.
        engine: that is wanted: `exact`, `graph`, or `auto`, which chooses by the number of rows.
        folder: where relative paths in cells start.
        allow_outside: whether cells may name files outside `folder`.
        made: letters of this building of it, by which an index in storage knows what the cache has
            of it from what it has of another that lay there before.
        format: version of this description.
    """

    fingerprint: str
    group: str
    columns: dict[str, str]
    text: tuple[str, ...]
    picture: str | None
    key: str | None
    language: str | None
    engine: Literal["auto", "exact", "graph"]
    folder: str
    allow_outside: bool
    made: str = ""
    format: int = FORMAT
