"""`index`: write a table's rows and their vectors as an index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from plait.data.detect import detect
from plait.data.read import read
from plait.data.read_as import read_as
from plait.data.table import Table
from plait.errors import ConfigError, ModelError, TableError, unknown
from plait.progress import Progress
from plait.search.engine import KINDS, Kind
from plait.search.facts import Facts
from plait.search.index import Index
from plait.search.kept_space import keep
from plait.search.place import exists
from plait.search.rows import WORDS, arrow_schema, batches, plain_columns, require_key
from plait.search.store import Store
from plait.spaces.space import Space
from plait.types import Modality, Schema


def index(
    space: Space,
    table: Any,
    path: str | Path,
    *,
    group: str | None = None,
    key: str | None = None,
    text: Sequence[str] | None = None,
    language: str | None = None,
    engine: Kind = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Write an index of a table's rows: their vectors, words, and plain columns.

    Args:
        space: that `align` learned; a copy of it is kept in the index.
        table: anything that `plait.read` takes.
        path: of a folder ending in .lance, or a URI in object storage.
        group: of the space, whose vectors are searched; the first of which the table has columns.
        key: column whose values tell rows apart, so that added rows replace their like.
        text: columns whose words are found; all that hold words, by default.
        language: whose endings words are freed of, "English"; None takes words as they are.
        engine: `exact`, `graph`, or `auto`, which chooses by the number of rows.
        overwrite: write over an index that is there, which stays as an older version.
        progress: where to show it.

    Raises:
        ModelError: when something is there and may not be replaced.
        ConfigError: when the space has no such group, or the engine is not known.
        ColumnError: when a column that is named is not there.
        TableError: when there are no rows, or none of the space's columns.
    """
    if engine not in KINDS:
        raise ConfigError(unknown("Engine", engine, KINDS))
    uri, given, progress = str(path), read(table), progress or Progress()
    table = read_as(given, space.sources)
    names = dict(zip(given.columns, table.columns, strict=True))
    key, text = key and names.get(key, key), text and [names.get(name, name) for name in text]
    if exists(uri) and not overwrite:
        raise ModelError(
            f"{uri!r} exists already: add rows to it (--add), choose another name, or say "
            "overwrite=True (--overwrite); what is there stays as an older version."
        )
    if not len(table):
        raise TableError("The table has no rows to index.")
    group = _group(space, table, group)
    schema = detect(table)
    columns = plain_columns(table, schema)
    chosen = [table.require(name) for name in text] if text is not None else [
        column.name for column in schema.columns
        if column.modality in WORDS and column.name in columns
    ]  # fmt: skip
    if key is not None:
        require_key(table, key)
    made = uuid4().hex
    facts = Facts(
        fingerprint=keep(space, uri, made),
        group=group,
        columns={column.stored: column.modality.value for column in schema.columns},
        text=tuple(chosen),
        picture=_picture(space, group, schema),
        key=key,
        language=language,
        engine=engine,
        folder=str(table.folder),
        allow_outside=table.allow_outside,
        made=made,
    )
    width = space.config.task.width
    rows = arrow_schema(columns, width, key)
    store = Store.create(uri, rows, facts, batches(table, space, facts, rows, progress))
    return Index(store, space, progress)


def _group(space: Space, table: Table, group: str | None) -> str:
    if group is not None:
        space.require(group)
        return group
    for name, own in space.groups.items():
        if any(column.stored in table for source in own for column in source.columns):
            return name
    raise TableError(
        f"The table has none of the columns that the space reads: {list(space.groups)}; it has "
        f"{table.columns}."
    )


def _picture(space: Space, group: str, schema: Schema) -> str | None:
    """Return the column of pictures to show: the group's own, or else the table's first."""
    own = [c.stored for source in space.groups[group] for c in source.columns
           if c.modality == Modality.IMAGE]  # fmt: skip
    every = [c.stored for c in schema.columns if c.modality == Modality.IMAGE]
    return next(iter([name for name in own if name in every] + every), None)
