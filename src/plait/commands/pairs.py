"""`plait pairs`: pairs of two sides for `plait fit` to tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    Encoding,
    Outside,
    Overwrite,
    TableArgument,
    Urls,
    read_table,
    show,
)
from plait.errors import many


def pairs(
    table: TableArgument,
    left: Annotated[str, typer.Option(help="A column, or several with commas between them.")],
    right: Annotated[str, typer.Option(help="What it belongs to in each row, likewise.")],
    space: Annotated[
        Path | None,
        typer.Option(help="That `plait align` wrote of both: its nearest strangers are added."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Column of what a row is of.")] = None,
    hard: Annotated[int, typer.Option(help="Nearest strangers of each row.")] = 2,
    random: Annotated[int, typer.Option(help="Strangers of each row at random.")] = 1,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help=".parquet")] = Path(
        "pairs.parquet"
    ),
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Make pairs that belong together and pairs that do not, to learn matching from."""
    from plait.pairing import pair_rows
    from plait.progress import Progress
    from plait.report.files import require_new, write_columns
    from plait.space import Space

    require_new(output, overwrite, [".parquet"])  # which holds bytes and vectors too
    found = pair_rows(
        read_table(table, allow_outside, allow_urls, encoding),
        left,
        right,
        space=None if space is None else Space.load(space),
        key=key,
        hard=hard,
        random=random,
        seed=seed,
        folder=output.parent,
        progress=Progress(lines=True),
    )
    write_columns(output, found.columns)
    lacking = f"; {many(found.left_out, 'row')} without both sides left out"
    show(f"Written to {output}: {many(found.positives, 'pair')} that belong together, "
         f"{found.mined:,} of near strangers, {found.drawn:,} of random ones"
         f"{lacking if found.left_out else ''}.")  # fmt: skip
    if len(found.skipped):
        path = require_new(output.with_suffix(".skipped.csv"), overwrite=True)
        found.skipped.write(path)
        show(f"Not to be read: {many(len(found.skipped), 'cell')}; see {path}.")
    show(f"Next: plait fit {output} -t match --split group:pair_group --ignore pair_group "
         "--fusion comparison")  # fmt: skip
