"""`plait pairs`: pairs of two sides for `plait fit` to tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import (
    Encoding,
    Outside,
    Overwrite,
    TableArgument,
    Urls,
    read_table,
    show,
    write_skipped,
)
from plait.errors import ConfigError, many

if TYPE_CHECKING:
    from plait.data.table import Table
    from plait.spaces.space import Space


def pairs(
    table: TableArgument,
    left: Annotated[str, typer.Option(help="A column, or several with commas between them.")],
    right: Annotated[str, typer.Option(help="What it belongs to in each row, likewise.")],
    space: Annotated[
        Path | None,
        typer.Option(
            help="That `plait align` wrote of both: its nearest strangers are added, and how alike "
            "it finds the sides of each pair."
        ),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Column of what a row is of.")] = None,
    hard: Annotated[int, typer.Option(help="Nearest strangers of each row.")] = 2,
    random: Annotated[int, typer.Option(help="Strangers of each row at random.")] = 1,
    unseen: Annotated[
        bool,
        typer.Option(
            "--unseen",
            help="The space has not learned from these rows; else it is learned again without "
            "each fifth of them.",
        ),
    ] = False,
    given: Annotated[
        bool,
        typer.Option(
            "--given", help="The rows are pairs to judge: add what the space says, no strangers."
        ),
    ] = False,
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
    from plait.pairs.pairing import pair_rows
    from plait.progress import Progress
    from plait.report.files import require_new, write_columns
    from plait.spaces.space import Space

    require_new(output, overwrite, [".parquet"])  # which holds bytes and vectors too
    learned = None if space is None else Space.load(space)
    rows = read_table(table, allow_outside, allow_urls, encoding)
    if given:
        _write_given(rows, left, right, learned, output)
        return
    found = pair_rows(
        rows,
        left,
        right,
        space=learned,
        key=key,
        hard=hard,
        random=random,
        unseen=unseen,
        seed=seed,
        folder=output.parent,
        progress=Progress(lines=True),
    )
    write_columns(output, found.columns)
    lacking = f"; {many(found.left_out, 'row')} without both sides left out"
    show(f"Written to {output}: {many(found.positives, 'pair')} that belong together, "
         f"{found.mined:,} of near strangers, {found.drawn:,} of random ones"
         f"{lacking if found.left_out else ''}.")  # fmt: skip
    write_skipped(found.skipped, output)
    show(f"Next: plait fit {output} -t match --split group:pair_group --ignore pair_group "
         "--fusion comparison --metric auroc --balance weights")  # fmt: skip
    if learned is not None:
        show(f"For new pairs: plait pairs new.csv --left {left} --right {right} --space {space} "
             "--given -o new.parquet && plait predict model new.parquet")  # fmt: skip


def _write_given(rows: Table, left: str, right: str, space: Space | None, output: Path) -> None:
    """Write pairs that are to be judged with what the space says of them."""
    from plait.data.quality import Ledger
    from plait.pairs.given import SIMILARITY, with_similarity
    from plait.progress import Progress
    from plait.report.files import write_columns

    if space is None:
        raise ConfigError("--given adds what a space says of pairs: name it with --space.")
    ledger, progress = Ledger(), Progress(lines=True)
    ledger.add_table(rows)
    columns = with_similarity(
        rows, left, right, space, folder=output.parent, progress=progress, ledger=ledger
    )
    write_columns(output, columns)
    lacking = columns[SIMILARITY].count(None)
    show(f"Written to {output}: {many(len(rows), 'pair')}"
         f"{f', {lacking:,} of them without a side' if lacking else ''}.")  # fmt: skip
    write_skipped(ledger, output)
