"""`plait align`: one space for groups of columns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    Columns,
    ConfigFile,
    Encoders,
    Encoding,
    FineTune,
    Join,
    Outside,
    Overwrite,
    Preset,
    Seed,
    Sounds,
    SplitOption,
    TableArgument,
    Urls,
    modalities_of,
    names_of,
    read_table,
    settings_of,
    show,
    show_skipped,
)

SCORED = {
    "before": "As the joint model has it:",
    "retrieval": "As learned:",
    "pooled": "By one vector a row, as an index searches before --rerank:",
}
"""Facts of a space that are shown, and what they are."""


def align(
    table: TableArgument,
    left: Annotated[str, typer.Option(help="A column, or several with commas between them.")],
    right: Annotated[str, typer.Option(help="What it is matched with, likewise.")],
    other: Annotated[
        list[str] | None, typer.Option(help="A further group of columns; may be repeated.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder.")] = Path("space"),
    key: Annotated[
        str | None, typer.Option(help="Column whose equal values are never told apart.")
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            help="A column of what came before: 'history=film of user by timestamp', or "
            "'history=film' for one that holds keys; may be repeated."
        ),
    ] = None,
    preset: Preset = "quick",
    loss: Annotated[str | None, typer.Option(help="infonce, siglip or filip.")] = None,
    logq: Annotated[
        bool,
        typer.Option(
            "--logq", help="Let frequent values be near more often, as recommendations want."
        ),
    ] = False,
    fusion: Annotated[str | None, typer.Option(help="Of the columns of a group.")] = None,
    encoders: Encoders = None,
    fine_tune: FineTune = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Learn nothing: take a joint model's own space.")
    ] = False,
    split: SplitOption = None,
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
    join: Join = None,
) -> None:
    """Learn one space for groups of columns, so that each can be found by the others."""
    from dataclasses import replace

    from plait.config import from_json
    from plait.encoders.config import choose_encoders, fine_tuned
    from plait.evaluate.retrieve import Retrieval
    from plait.folder import require_free
    from plait.progress import Progress
    from plait.report.tables import retrieval_table
    from plait.spaces.aligning import align
    from plait.spaces.config import AlignConfig

    require_free(output, overwrite)
    values = settings_of(config)
    if loss is not None:
        values["task"] = {**values.get("task", {}), "loss": loss}
    if logq:
        values["task"] = {**values.get("task", {}), "logq": True}
    values |= {k: v for k, v in {"fusion": fusion, "seed": seed}.items() if v is not None}
    settings = from_json(AlignConfig, values)
    chosen = choose_encoders(names_of(encoders), settings.encoders)
    chosen = chosen if fine_tune is None else fine_tuned(chosen, fine_tune)
    settings = replace(settings, encoders=chosen, as_is=as_is or settings.as_is)
    space = align(
        read_table(table, allow_outside, allow_urls, encoding, join),
        left,
        right,
        others=other or [],
        key=key,
        histories=history or [],
        preset=preset,
        modalities=modalities_of(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        split=split,
        config=settings,
        progress=Progress(),
    )
    space.save(output, overwrite)
    for part, words in SCORED.items():
        if part in space.facts:
            if len(SCORED.keys() & space.facts.keys()) > 1:
                show(words)
            show(retrieval_table([from_json(Retrieval, one) for one in space.facts[part]]))
    show_skipped(space.ledger, output)
    show(f"The space is in {output}. Next: plait index {output} {table} -o found.lance")
