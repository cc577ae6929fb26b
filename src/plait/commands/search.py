"""`plait index` and `search`: rows that are found by what they are like, and by their words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import (
    Columns,
    Encoding,
    Outside,
    Overwrite,
    Urls,
    names_of,
    read_table,
    show,
)
from plait.errors import ConfigError, many, unknown

if TYPE_CHECKING:
    from plait.search.found import Found
    from plait.search.index import Index
    from plait.search.query import Query

FACETS = 20
"""Values of a column that are shown with their counts; all are in the JSON."""


def index(
    space: Annotated[Path | None, typer.Argument(help="A space that `plait align` wrote.")] = None,
    table: Annotated[str | None, typer.Argument(help="The rows to find, as `fit` takes them.")] = (
        None
    ),
    output: Annotated[
        str, typer.Option("--output", "-o", help="Folder ending in .lance, or a URI.")
    ] = "index.lance",
    group: Annotated[str | None, typer.Option(help="Of columns that are searched.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Column that tells rows apart; added ones replace theirs.")
    ] = None,
    text: Columns = None,
    language: Annotated[
        str | None, typer.Option(help="Whose endings words are freed of: English, German...")
    ] = None,
    engine: Annotated[str, typer.Option(help="exact, graph, or auto: by size.")] = "auto",
    add: Annotated[bool, typer.Option("--add", help="Add to the index, as a version.")] = False,
    remove: Annotated[str | None, typer.Option(help="Remove the rows of a filter.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Show all versions.")] = False,
    restore: Annotated[int | None, typer.Option(help="Go back to a version.")] = None,
    compact: Annotated[bool, typer.Option("--compact", help="Join small pieces.")] = False,
    keep_days: Annotated[
        float | None, typer.Option(help="With --compact: drop versions older than this.")
    ] = None,
    duplicates: Annotated[
        float | None, typer.Option(help="Show rows with at least this cosine, say 0.98.")
    ] = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Write an index of a table that `plait search` looks in; add, remove, go back."""
    import plait
    from plait.progress import Progress

    does = [add, remove is not None, history, restore is not None, compact, duplicates is not None]
    if sum(does) > 1:
        raise ConfigError("Of --add, --remove, --history, --restore, --compact and --duplicates "
                          "only one can be done at a time.")  # fmt: skip
    if add or not any(does):
        if space is None or table is None:
            raise ConfigError("Say which rows: plait index SPACE TABLE -o rows.lance")
        rows = read_table(table, allow_outside, allow_urls, encoding)
        learned = plait.load(space)
        if add:
            opened: Index = plait.load(output)
            show(f"Added {many(len(rows), 'row')}"
                 f"{_without(opened.add(rows, learned))}.")  # fmt: skip
        else:
            opened = plait.index(
                learned, rows, output, group=group, key=key,
                text=None if text is None else names_of(text), language=language,
                engine=engine,  # type: ignore[arg-type]  # it is checked there
                overwrite=overwrite, progress=Progress(),
            )  # fmt: skip
            show(f"Indexed {many(len(opened), 'row')}{_without(opened.missing)}.")
        _state(opened)
        return
    opened = plait.load(output)
    if history:
        for one in opened.history():
            show(f"{one.number:>5}  {one.time:%Y-%m-%d %H:%M:%S}  {many(one.rows, 'row')}")
        return
    if duplicates is not None:
        for rows_alike in opened.duplicates(duplicates):
            show(" ".join(map(str, rows_alike)))
        return
    if remove is not None:
        show(f"Removed {many(opened.remove(remove), 'row')}.")
    elif restore is not None:
        opened.restore(restore)
    else:
        opened.compact(keep_days)
    _state(opened)


def _without(missing: int) -> str:
    return f", {missing:,} of them without what vectors are made of" if missing else ""


def _state(opened: Index) -> None:
    """Print what the index is now, and how well its engine finds."""
    known = opened.measured
    how = "exact" if known.engine == "exact" else (
        f"graph, recall@10 {known.recall:.3f} on its own vectors"
    )  # fmt: skip
    show(f"{opened.store.uri}: version {opened.version}, {many(len(opened), 'row')}; vectors of "
         f"{known.width} numbers, searched by {how}.")  # fmt: skip


def search(
    index: Annotated[str, typer.Argument(help="An index that `plait index` wrote.")],
    words: Annotated[str | None, typer.Argument(help="What is sought.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture to find like ones of.")] = None,
    sound: Annotated[Path | None, typer.Option(help="A sound, likewise.")] = None,
    like: Annotated[int | None, typer.Option(help="A row of the index, likewise.")] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=VALUE of a row to find like ones of; repeated."),
    ] = None,
    unlike: Annotated[
        str | None, typer.Option("--not", help="Words for what is not wanted.")
    ] = None,
    where: Annotated[str | None, typer.Option(help="A filter: price < 50 and brand = 'X'.")] = None,
    k: Annotated[int, typer.Option("-k", help="Results a page.")] = 10,
    page: Annotated[int, typer.Option(help="From 1.")] = 1,
    mode: Annotated[str, typer.Option(help="hybrid, vector or text.")] = "hybrid",
    diverse: Annotated[
        float, typer.Option(help="0 to 1: how much to avoid results that are alike.")
    ] = 0.0,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Order by late interaction (a space of filip).")
    ] = False,
    facet: Annotated[list[str] | None, typer.Option(help="Column to count values of.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="PNG of the pictures found.")] = None,
    show_columns: Annotated[
        list[str] | None, typer.Option("--columns", help="Columns to show, with commas.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Find rows by words, pictures, sounds and rows, with filters on their columns."""
    import plait
    from plait.commands.options import show_json
    from plait.config import to_json
    from plait.report.files import require_new
    from plait.search.sheet import write_sheet

    if sheet is not None:
        require_new(sheet, overwrite, [".png"])
    opened: Index = plait.load(index)
    found = opened.search(
        _asked(words, cell, opened), image=image and str(image), sound=sound and str(sound),
        like=like, unlike=unlike, where=where, k=k, page=page, diverse=diverse, rerank=rerank,
        mode=mode,  # type: ignore[arg-type]
        facets=names_of(facet),
    )  # fmt: skip
    facts = opened.facts
    files = [] if facts.picture is None else [facts.picture]
    columns = names_of(show_columns) or list(facts.text)[:4] or files
    if json:
        show_json(to_json(found))
    else:
        _show_found(found, columns)
    if sheet is not None:
        caption = next(iter(columns), None)
        write_sheet(opened.store, found, sheet, caption)
        show(f"Sheet: {sheet}")


def _asked(words: str | None, cells: list[str] | None, opened: Index) -> Query:
    """Return the query of words and cells that were given."""
    from plait.search.query import Query

    found = Query() if words is None else Query.text(words)
    if not cells:
        return found
    own = opened.space.groups.values()
    known = [c.stored for sources in own for source in sources for c in source.columns]
    given = {}
    for item in cells:
        name, mark, value = item.partition("=")
        if not mark:
            raise ConfigError(f"--cell takes COLUMN=VALUE, found {item!r}.")
        if name not in known:
            raise ConfigError(unknown("Column of the space", name, known))
        given[name] = value
    return found + Query.cells(given)


def _said(value: object) -> str:
    """Return a cell as people would write it: a year is 1993, and not 1993.0."""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.6g}"
    return "" if value is None else str(value)


def _show_found(found: Found, columns: list[str]) -> None:
    """Print the rows that were found, and the counts of values."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row", justify="right")
    table.add_column(found.score, justify="right")
    for name in columns:
        table.add_column(escape(name), max_width=40, no_wrap=True, overflow="ellipsis")
    for hit in found:
        cells = (hit.cells.get(name) for name in columns)
        shown = (escape(_said(cell)) for cell in cells)
        table.add_row(str(hit.row), f"{hit.score:.3f}", *shown)
    show(table)
    for name, counts in found.facets.items():
        first = list(counts.items())[:FACETS]
        counted = ", ".join(f"{_said(value)} {count:,}" for value, count in first)
        show(escape(f"{name}: {counted}"))
    for note in found.notes:
        show(note)
