"""`plait check`: the doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from plait.commands.options import (
    Columns,
    Encoding,
    Ignore,
    Join,
    Outside,
    Sounds,
    TableArgument,
    Urls,
    modalities_of,
    names_of,
    read_table,
    show,
    show_json,
    targets_of,
)


def check(
    table: TableArgument,
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
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
) -> None:
    """Say what a table holds and what will go wrong with it."""
    from plait.config import to_json
    from plait.doctor import check

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
