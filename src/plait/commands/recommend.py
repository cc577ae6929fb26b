"""`plait recommend` and `plait suggest`: what users would choose next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    Columns,
    ConfigFile,
    Encoders,
    Encoding,
    Ignore,
    Join,
    Outside,
    Overwrite,
    Preset,
    Seed,
    Sounds,
    TableArgument,
    Urls,
    modalities_of,
    names_of,
    read_table,
    settings_of,
    show,
    write_skipped,
)
from plait.errors import many

SHOWN = 10
"""Cells that cannot be read of which the reason is printed, where no file is written."""


def recommend(
    table: TableArgument,
    user: Annotated[str, typer.Option(help="Column of who chose.")],
    item: Annotated[str, typer.Option(help="Column of what was chosen.")],
    time: Annotated[str, typer.Option(help="Column of when: numbers or dates.")],
    positive: Annotated[
        str | None, typer.Option(help="Which rows are choices: 'rating >= 4'; all by default.")
    ] = None,
    join: Join = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder.")] = Path("recommender"),
    preset: Preset = "quick",
    history: Annotated[str | None, typer.Option(help="attention, mean or none.")] = None,
    encoders: Encoders = None,
    ignore: Ignore = None,
    seed: Seed = None,
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
    config: ConfigFile = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Learn what users would choose next from what they chose, judged by time."""
    from dataclasses import replace

    from plait.config import from_json
    from plait.encoders.config import choose_encoders
    from plait.evaluate.recommend import RecommendBoard
    from plait.folder import require_free
    from plait.progress import Progress
    from plait.recommendation.config import RecommendConfig
    from plait.recommendation.learning import recommend
    from plait.report.tables import recommend_table

    require_free(output, overwrite)
    said = {"history": history, "seed": seed}
    values = settings_of(config) | {k: v for k, v in said.items() if v is not None}
    settings = from_json(RecommendConfig, values)
    settings = replace(settings, encoders=choose_encoders(names_of(encoders), settings.encoders))
    model = recommend(
        read_table(table, allow_outside, allow_urls, encoding, join),
        user,
        item,
        time,
        positive=positive,
        preset=preset,
        modalities=modalities_of(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        ignore=names_of(ignore),
        config=settings,
        progress=Progress(lines=True),
    )
    model.save(output, overwrite)
    rows = model.facts["rows"]
    show(
        f"{len(model.interactions):,} choices in {many(rows['rows'], 'row')}: "
        f"{rows['not positive']:,} are not positive, {rows['repeated']:,} repeat an earlier one, "
        f"{rows['unusable']:,} cannot be used.\n"
    )
    show(recommend_table(from_json(RecommendBoard, model.facts["board"])))
    if len(model.ledger):
        show(f"{many(len(model.ledger), 'cell')} or whole rows could not be used: see "
             f"{output / 'skipped.csv'}.")  # fmt: skip
    example = model.interactions.users[int(model.interactions.user[-1])]
    show(f"The recommender is in {output}. Next: plait suggest {output} {example}")


def suggest(
    model: Annotated[Path, typer.Argument(help="A folder that `plait recommend` wrote.")],
    users: Annotated[
        list[str],
        typer.Argument(help="Keys of users; or a table, with columns of the table of users."),
    ],
    count: Annotated[int, typer.Option("-k", help="Items a user.")] = 10,
    items: Annotated[
        str | None, typer.Option(help="Table of the items that are searched, also new ones.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File of user, item, score: .csv, .tsv, .jsonl or .parquet."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Recommend to users what they have not chosen yet."""
    from plait.data.quality import Ledger
    from plait.progress import Progress
    from plait.recommendation.recommender import Recommender
    from plait.report.files import SUFFIXES, require_new, write_columns
    from plait.report.tables import suggestion_table

    path = None if output is None else require_new(output, overwrite, SUFFIXES)
    asked = users[0] if len(users) == 1 else users
    ledger, loaded = Ledger(), Recommender.load(model)
    found = loaded.recommend(asked, count, items=items, ledger=ledger, progress=Progress())
    rows = [(one.user, one.item, one.score) for one in found]
    names = ("user", "item", "score")
    if path is None:
        show(suggestion_table(rows))
        for (row, column), reason in sorted(ledger.entries.items())[:SHOWN]:
            show(f"Passed over: row {row}, {column}: {reason}")
        return
    write_columns(path, {name: [row[n] for row in rows] for n, name in enumerate(names)})
    show(f"Written to {path}: {many(len(found), 'recommendation')}.")
    write_skipped(ledger, path, "Passed over, because not to be read")
