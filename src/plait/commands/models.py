"""`plait predict`, `evaluate`, `explain` and `export`: what a model is used for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import (
    Encoding,
    Join,
    ModelArgument,
    Outside,
    Overwrite,
    TableArgument,
    Urls,
    read_table,
    show,
    show_json,
    write_skipped,
)
from plait.errors import did_you_mean, many

if TYPE_CHECKING:
    from plait.data.table import Table
    from plait.drawer.drawn import Drawn
    from plait.evaluate.written import Texts
    from plait.model import Prediction
    from plait.progress import Progress
    from plait.segmenter.files import MaskFiles

MADE = {
    "writer": "writes texts; `plait ask` shows what each word rests on.",
    "segmenter": "makes masks.",
    "drawer": "draws pictures.",
}
"""What models do that make a column, by what their folder holds."""


def predict(
    model: ModelArgument,
    table: TableArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".csv, .tsv, .jsonl or .parquet.")
    ] = Path("predictions.csv"),
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Of every class, a column each.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="What each source added, a column each.")
    ] = False,
    rle: Annotated[
        bool, typer.Option("--rle", help="Masks as run-length codes of COCO in the file itself.")
    ] = False,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
) -> None:
    """Predict every row of a table into a file; texts in it, masks and pictures beside it."""
    from plait.errors import ConfigError
    from plait.folder import kind_of
    from plait.model import load
    from plait.progress import Progress
    from plait.report.files import (
        SUFFIXES,
        require_new,
        require_new_folder,
        write_columns,
        write_predictions,
    )
    from plait.report.written import written_columns
    from plait.segmenter.files import write_masks
    from plait.segmenter.segmenter import Segmenter
    from plait.writer.writer import Writer

    require_new(output, overwrite, SUFFIXES)
    progress, kind = Progress(lines=True), kind_of(model)
    if rle and kind != "segmenter":
        raise ConfigError("--rle is of masks, and this model makes none; leave it out.")
    if kind in MADE and (probabilities or explain):
        raise ConfigError(
            f"--probabilities and --explain are of classes and numbers, and this model {MADE[kind]}"
        )
    if kind == "segmenter":
        segmenter = Segmenter.load(model)
        rows = read_table(table, allow_outside, allow_urls, encoding, join)
        folder = require_new_folder(output.with_suffix(".masks"), overwrite) if not rle else None
        masks = write_masks(segmenter, rows, output, folder, progress)
        say(output, rows, masks, segmenter.target, segmenter.columns)
        if folder is not None:
            show(f"The masks are in {folder}; column '{segmenter.target}_predicted' names them.")
        return
    if kind == "drawer":
        rows = read_table(table, allow_outside, allow_urls, encoding, join)
        _draw(model, rows, output, overwrite, progress)
        return
    if kind == "writer":
        writer = Writer.load(model)
        rows = read_table(table, allow_outside, allow_urls, encoding, join)
        texts = writer.predict(rows, progress)
        write_columns(output, written_columns(rows, texts))
        say(output, rows, texts, writer.target, writer.columns)
        return
    loaded = load(model)
    rows = read_table(table, allow_outside, allow_urls, encoding, join)
    prediction = loaded.predict(rows, progress, explain=explain)
    write_predictions(output, rows, prediction, probabilities)
    say(output, rows, prediction, loaded.target.name, loaded.columns)


def _draw(model: Path, rows: Table, output: Path, overwrite: bool, progress: Progress) -> None:
    """Draw a picture for every row into a folder beside the file that names them."""
    from plait.commands.draw import say_of
    from plait.drawer.drawer import Drawer
    from plait.report.drawn import drawn_columns
    from plait.report.files import write_columns

    drawer = Drawer.load(model)
    found = drawer.predict(rows, progress)
    paths = found.write(output.with_suffix(""), overwrite)
    write_columns(output, drawn_columns(rows, drawer.target, paths, output.parent))
    say(output, rows, found, drawer.target, drawer.columns)
    say_of(found, watermark=True)


def say(
    output: Path,
    rows: Table,
    made: Prediction | Texts | MaskFiles | Drawn,
    target: str,
    columns: list[str],
) -> None:
    """Say what was written where, and what could not be read."""

    show(f"Written to {output}: {many(len(made), 'prediction')} of {target!r}.")
    for name in made.absent:
        hint = did_you_mean(name, [n for n in rows.columns if n not in columns])
        show(f"Column {name!r} is not in the table, so it is missing in every row.{hint}")
    skipped = made.skipped
    skipped.add_table(rows)
    write_skipped(skipped, output, "Taken as missing, because not to be read")


def evaluate(
    model: ModelArgument,
    table: TableArgument,
    space: Annotated[
        Path | None,
        typer.Option(help="That says whether drawn pictures are what was asked for."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="PNG of the best, median and worst masks, of a model that makes masks."),
    ] = None,
) -> None:
    """Score a model on a table whose target is known, or a space on rows that have both sides."""
    from plait.config import to_json
    from plait.drawer.drawer import Drawer
    from plait.errors import ConfigError
    from plait.folder import kind_of
    from plait.model import load
    from plait.report.drawn import drawn_table
    from plait.report.segmented import segmented_table
    from plait.report.tables import evaluation_table, retrieval_table
    from plait.report.written import written_table
    from plait.segmenter.files import draw_masks
    from plait.segmenter.segmenter import Segmenter
    from plait.spaces.space import Space
    from plait.writer.writer import Writer

    kind = kind_of(model)
    if space is not None and kind != "drawer":
        raise ConfigError("--space judges what a model draws, and this one draws nothing.")
    if sheet is not None and kind != "segmenter":
        raise ConfigError("--sheet shows masks, and this model makes none; leave it out.")
    rows = read_table(table, allow_outside, allow_urls, encoding, join)
    if kind == "segmenter":
        segmenter = Segmenter.load(model)
        judged = segmenter.judge(rows)
        masks = judged.evaluation
        show_json(to_json(masks)) if json else show(segmented_table(masks))
        if sheet is not None:
            draw_masks(segmenter, judged, sheet)
            show(f"The best, the median and the worst: {sheet}")
        return
    if kind == "space":
        found = Space.load(model).evaluate(rows)
        show_json(to_json(list(found))) if json else show(retrieval_table(found))
        return
    if kind == "writer":
        texts = Writer.load(model).evaluate(rows)
        show_json(to_json(texts)) if json else show(written_table(texts))
        return
    if kind == "drawer":
        drawn = Drawer.load(model).evaluate(rows, None if space is None else Space.load(space))
        show_json(to_json(drawn)) if json else show(drawn_table(drawn))
        return
    result = load(model).evaluate(rows)
    show_json(to_json(result)) if json else show(evaluation_table(result))


def explain(
    model: ModelArgument,
    table: TableArgument,
    rows: Annotated[int, typer.Option(min=1, help="How many of the first rows.")] = 10,
    target: Annotated[str | None, typer.Option(help="Which of several; all by default.")] = None,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
) -> None:
    """Say what each column or modality added to the predictions of the first rows."""
    from plait.model import load
    from plait.report.tables import explanation_table

    data = read_table(table, allow_outside, allow_urls, encoding, join)
    data = data.take(range(min(rows, len(data))))
    loaded = load(model)
    names = [part.name for part, _ in loaded.target.each]
    for name in names if target is None else [target]:
        if len(names) > 1:
            show(f"{name}:")
        show(explanation_table(loaded.explain(data, name)))


def export(
    model: ModelArgument,
    source: Annotated[str, typer.Argument(help="Column whose network was fine-tuned.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder that is written.")],
) -> None:
    """Write a fine-tuned network as a folder that transformers reads."""
    from plait.model import load

    folder = load(model).export(source, output)
    show(f"The network is in {folder}. Next: --encoders KIND={folder}")
