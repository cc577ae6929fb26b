"""`plait check`: the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    Columns,
    Encoding,
    Ignore,
    Join,
    Outside,
    Sounds,
    Urls,
    modalities_of,
    names_of,
    read_table,
    show,
    show_json,
    targets_of,
)


def check(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE",
            help="CSV, TSV, JSONL, Parquet, Arrow, .tar, a folder, or a URI; pictures with "
            "--watermark.",
        ),
    ],
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="To look for leaks.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="Another table, to find rows in both.")] = None,
    ignore: Ignore = None,
    image: Columns = None,
    text: Columns = None,
    number: Columns = None,
    category: Columns = None,
    categories: Columns = None,
    date: Columns = None,
    audio: Sounds = None,
    video: Columns = None,
    series: Columns = None,
    vector: Columns = None,
    watermark: Annotated[
        bool, typer.Option("--watermark", help="Say of picture files whether plait drew them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
) -> None:
    """Say what a table holds and what will go wrong with it; or where pictures come from."""
    from plait.config import to_json
    from plait.errors import ConfigError

    if watermark:
        _look_for_watermarks(tables, json)
        return
    if len(tables) > 1:
        raise ConfigError(
            f"One table at a time is checked, and {len(tables)} are named; of picture files, say "
            "--watermark."
        )
    from plait.doctor import check

    (table,) = tables
    said = modalities_of(
        image, text, number, category, categories, date, audio, video, series, vector
    )
    rows = read_table(table, allow_outside, allow_urls, encoding, join)
    report = check(
        rows,
        targets_of(target, rows) if target else None,
        test=None if test is None else read_table(test, allow_outside, allow_urls, encoding, join),
        modalities=said,
        ignore=names_of(ignore),
    )
    if json:
        show_json(to_json(report))
        return
    from plait.report.tables import check_table

    show(check_table(report))


def _look_for_watermarks(files: list[str], json: bool) -> None:
    """Say of each picture what it says of itself, and whether it has the watermark."""
    from plait.config import to_json
    from plait.errors import TableError
    from plait.provenance.files import inspect

    found, unread = [], []
    for file in files:
        try:
            found.append(inspect(Path(file)))
        except TableError as error:
            unread.append(str(error))
    if json:
        show_json(to_json(found))
    for own in found if not json else ():
        seen, said = own.watermark, own.statement
        mark = "watermark" if seen.marked else "no watermark"
        show(f"{own.path}: {mark} (by chance: {seen.chance:.1e}; {seen.agreeing} of "
             f"{seen.coefficients} signs agree); "
             + (f"says it was drawn by {said.model}, seed {said.seed}" if said else
                "says nothing of where it comes from"))  # fmt: skip
    if unread:
        raise TableError("\n".join(unread))
