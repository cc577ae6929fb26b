"""`plait classify` and `probe`: a space and classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    Encoding,
    Outside,
    Overwrite,
    SpaceArgument,
    SplitOption,
    TableArgument,
    Urls,
    names_of,
    read_table,
    show,
    show_json,
    write_skipped,
)
from plait.errors import many


def classify(
    space: SpaceArgument,
    table: TableArgument,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="Words, repeated or with commas; by default all that the truth holds."),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(help="'a photo of a {}'; may be repeated: the vectors are averaged."),
    ] = None,
    truth: Annotated[str | None, typer.Option(help="Column that says what is right.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".csv, .tsv, .jsonl or .parquet.")
    ] = Path("classes.csv"),
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Say which of some words each row is, though the space never learned them as classes."""
    from plait.progress import Progress
    from plait.report.files import SUFFIXES, require_new, write_columns, zero_shot_columns
    from plait.spaces.judging import zero_shot
    from plait.spaces.space import Space

    require_new(output, overwrite, SUFFIXES)
    loaded = Space.load(space)
    rows = read_table(table, allow_outside, allow_urls, encoding)
    found = zero_shot(
        loaded, rows, names_of(labels), template or ["{}"], truth, Progress(lines=True)
    )
    write_columns(output, zero_shot_columns(rows, found))
    without = found.values.count(None)
    lacking = f", {many(without, 'row')} without what the space reads" if without else ""
    said = f"{many(len(rows) - without, 'row')} of {len(found.labels)} labels"
    show(f"Written to {output}: {said}{lacking}.")
    if found.accuracy is not None:
        score = found.accuracy
        show(f"Accuracy {score.value:.3f} [{score.low:.3f}, {score.high:.3f}] on "
             f"{many(found.judged, 'row')} whose {truth!r} is one of the labels; chance is "
             f"{1 / len(found.labels):.3f}.")  # fmt: skip
    found.skipped.add_table(rows)
    write_skipped(found.skipped, output)


def probe(
    space: SpaceArgument,
    table: TableArgument,
    target: Annotated[str, typer.Option("--target", "-t", help="A column of classes.")],
    group: Annotated[
        str | None, typer.Option(help="Of columns; by default the first that the table has.")
    ] = None,
    shots: Annotated[
        list[str] | None, typer.Option(help="Examples a class: 1,4,16; 1,2,4,8,16 by default.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Of examples, for each number of them.")] = 10,
    split: SplitOption = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help=".json")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Judge a space's vectors by a linear classifier on them, on all rows and on few a class."""
    from plait.config import to_json
    from plait.errors import ConfigError
    from plait.progress import Progress
    from plait.report.files import require_new, write_json
    from plait.spaces.judging import SHOTS, probe_space
    from plait.spaces.space import Space

    if output is not None:
        require_new(output, overwrite, [".json"])
    said = names_of(shots)
    if not all(one.isdecimal() for one in said):
        raise ConfigError(f"--shots takes whole numbers with commas between them, found {shots}.")
    found = probe_space(
        Space.load(space),
        read_table(table, allow_outside, allow_urls, encoding),
        target,
        group,
        split,
        [int(one) for one in said] or SHOTS,
        draws,
        seed,
        Progress(lines=not json),
    )
    if output is not None:
        write_json(output, found)
    if json:
        show_json(to_json(found))
        return
    from plait.report.tables import probe_table

    show(probe_table(found))
