"""The command line: one command a verb; it parses, calls and prints."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plait.errors import did_you_mean, many

if TYPE_CHECKING:
    from plait.data.table import Table
    from plait.ensemble.config import FitConfig
    from plait.types import Modality

INTERRUPTED = 130
"""What a program ends with that the user stopped."""

app = typer.Typer(
    help="Multimodal learning on tables: any columns in, any column out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TableArgument = Annotated[
    str,
    typer.Argument(help="CSV, TSV, JSONL, Parquet, Arrow, .tar, a folder, or a URI."),
]
ModelArgument = Annotated[Path, typer.Argument(help="A model folder that `plait fit` wrote.")]
Columns = Annotated[list[str] | None, typer.Option(help="Columns, repeated or with commas.")]
Sounds = Annotated[
    list[str] | None, typer.Option("--audio", "--sound", help="Columns, repeated or with commas.")
]
Target = Annotated[
    list[str],
    typer.Option("--target", "-t", help="Column, or column:modality; several with commas."),
]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", help="Columns to leave out.")]
SplitOption = Annotated[
    str | None,
    typer.Option(help="stratified, random, group:COLUMN, time:COLUMN or column:COLUMN."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings as JSON.")]
Encoders = Annotated[
    list[str] | None,
    typer.Option(
        help="classical, trained, pretrained, or image=NAME, text=NAME...: one of plait's, a "
        "model's folder, or its name on the Hugging Face hub."
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        help="quick needs no download; standard takes pretrained networks as they are, best trains "
        "them on."
    ),
]
FineTune = Annotated[
    str | None,
    typer.Option(help="Train pretrained networks on: all, last layers, or lora (needs peft)."),
]
Seed = Annotated[int | None, typer.Option(help="Of everything random.")]
Folds = Annotated[int | None, typer.Option(help="To judge on; 1 is one hold-out.")]
Balance = Annotated[
    str | None,
    typer.Option(help="Of unequal classes: weights, sampling, focal or adjusted."),
]
Metric = Annotated[str | None, typer.Option(help="That decides.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Outside = Annotated[
    bool, typer.Option("--allow-outside", help="Let cells name files outside the table's folder.")
]
Urls = Annotated[bool, typer.Option("--allow-urls", help="Fetch the files of cells that are URLs.")]
Encoding = Annotated[str | None, typer.Option(help="Of a text file; found out by default.")]


@app.command()
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
) -> None:
    """Say what a table holds and what will go wrong with it."""
    from plait.config import to_json
    from plait.doctor import check

    said = _modalities(
        image, text, number, category, categories, date, audio, video, series, vector
    )
    rows = _read(table, allow_outside, allow_urls, encoding)
    report = check(
        rows,
        _targets(target, rows) if target else None,
        test=None if test is None else _read(test, allow_outside, allow_urls, encoding),
        modalities=said,
        ignore=_names(ignore),
    )
    if json:
        _print_json(to_json(report))
        return
    from plait.report.tables import check_table

    _print(check_table(report))


@app.command()
def fit(
    table: TableArgument,
    target: Target,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder.")] = Path("model"),
    preset: Preset = "quick",
    fusion: Annotated[
        str | None, typer.Option(help="One name; `plait compare --fusion all` tries each.")
    ] = None,
    encoders: Encoders = None,
    fine_tune: FineTune = None,
    head: Annotated[str | None, typer.Option(help="linear, svm or mlp.")] = None,
    balance: Balance = None,
    split: SplitOption = None,
    folds: Folds = None,
    metric: Metric = None,
    seed: Seed = None,
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
    config: ConfigFile = None,
    tune: Annotated[
        int, typer.Option(help="Trials of a search for better settings (needs Optuna).", min=0)
    ] = 0,
    start: Annotated[
        Path | None, typer.Option(help="Model whose trained encoders are the start.")
    ] = None,
    tracker: Annotated[
        list[str] | None, typer.Option(help="tensorboard, wandb or mlflow, beside training.csv.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was killed.")
    ] = False,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Learn to predict a column, and keep the best of a fair contest."""
    import shutil

    from plait.config import from_json
    from plait.ensemble.board import Board
    from plait.ensemble.tune import Tuning
    from plait.fitting import fit
    from plait.folder import require_free
    from plait.progress import Progress
    from plait.report.plots import board_plot, tuning_plot
    from plait.report.tables import board_table
    from plait.train.record import Track

    journal = require_free(output, overwrite).with_name(f".{output.name}-journal")
    training = journal.with_name(f".{output.name}-training")
    for left in (journal, training) if not resume else ():
        shutil.rmtree(left, ignore_errors=True)
    track = Track(training, _names(tracker))
    rows = _read(table, allow_outside, allow_urls, encoding)
    model = fit(
        rows,
        _targets(target, rows),
        preset=preset,
        modalities=_modalities(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        ignore=_names(ignore),
        split=split,
        config=_config(
            config,
            encoders,
            fine_tune,
            fusion=fusion,
            head=head,
            balance=balance,
            folds=folds,
            metric=metric,
            seed=seed,
        ),
        trials=tune,
        start=start,
        journal=journal,
        track=track,
        progress=Progress(lines=True),
    )
    track.close()
    folder = model.save(output, overwrite)
    if training.exists():
        training.rename(folder / "training")
    if "tuning" in model.facts:
        tuning_plot(from_json(Tuning, model.facts["tuning"]), folder / "tuning.png")
    board = from_json(Board, model.facts["board"])
    board_plot(board, folder / "board.png", f"{model.target.name}, from {Path(table).name}")
    _print(board_table(board))
    if "test" in model.facts:
        test = model.facts["test"]
        score = test["scores"][board.metric]
        _print(f"On {test['rows']:,} test rows kept apart: {board.metric} {score['value']:.4f} "
               f"[{score['low']:.4f}, {score['high']:.4f}].")  # fmt: skip
    if len(model.ledger):
        counts = ", ".join(f"{n} in {c}" for c, n in model.ledger.counts().most_common())
        _print(f"{many(len(model.ledger), 'cell')} or whole rows could not be used ({counts}): "
               f"see {folder / 'skipped.csv'}.")  # fmt: skip
    _print(f"The model is in {folder}. Next: plait predict {folder} new.csv")


@app.command()
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
    preset: Preset = "quick",
    loss: Annotated[str | None, typer.Option(help="infonce, siglip or filip.")] = None,
    fusion: Annotated[str | None, typer.Option(help="Of the columns of a group.")] = None,
    encoders: Encoders = None,
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
) -> None:
    """Learn one space for groups of columns, so that each can be found by the others."""
    from dataclasses import replace

    from plait.aligning import align
    from plait.config import from_json
    from plait.encoders.config import choose_encoders
    from plait.evaluate.retrieve import Retrieval
    from plait.folder import require_free
    from plait.progress import Progress
    from plait.report.tables import retrieval_table
    from plait.space import AlignConfig

    require_free(output, overwrite)
    values = _settings(config)
    if loss is not None:
        values["task"] = {**values.get("task", {}), "loss": loss}
    values |= {k: v for k, v in {"fusion": fusion, "seed": seed}.items() if v is not None}
    settings = from_json(AlignConfig, values)
    settings = replace(settings, encoders=choose_encoders(_names(encoders), settings.encoders))
    space = align(
        _read(table, allow_outside, allow_urls, encoding),
        left,
        right,
        others=other or [],
        key=key,
        preset=preset,
        modalities=_modalities(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        split=split,
        config=settings,
        progress=Progress(),
    )
    space.save(output, overwrite)
    _print(retrieval_table([from_json(Retrieval, one) for one in space.facts["retrieval"]]))
    print(f"Space: {output}; vectors with plait.Space.load({str(output)!r}).vectors(table, group)")


@app.command()
def compare(
    table: TableArgument,
    target: Target,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for board.png, .csv, .json.")
    ] = None,
    preset: Preset = "quick",
    fusion: Annotated[
        list[str] | None,
        typer.Option(help="Names, repeated or with commas, or all; the feature level by default."),
    ] = None,
    encoders: Encoders = None,
    fine_tune: FineTune = None,
    head: Annotated[str | None, typer.Option(help="linear, svm or mlp.")] = None,
    balance: Balance = None,
    split: SplitOption = None,
    folds: Folds = None,
    metric: Metric = None,
    seed: Seed = None,
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
    config: ConfigFile = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Judge every modality alone and every fusion on the same folds."""
    from plait.fitting import compare
    from plait.progress import Progress
    from plait.report.files import board_columns, require_new, write_columns, write_json
    from plait.report.plots import board_plot
    from plait.report.tables import board_table

    paths = []
    if output is not None:
        names = ("board.png", "board.csv", "board.json")
        paths = [require_new(output / name, overwrite) for name in names]
    rows = _read(table, allow_outside, allow_urls, encoding)
    targets = _targets(target, rows)
    board = compare(
        rows,
        targets,
        preset=preset,
        modalities=_modalities(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        ignore=_names(ignore),
        split=split,
        fusions=_fusions(fusion),
        config=_config(
            config,
            encoders,
            fine_tune,
            head=head,
            balance=balance,
            folds=folds,
            metric=metric,
            seed=seed,
        ),
        progress=Progress(lines=True),
    )
    _print(board_table(board))
    if paths:
        board_plot(board, paths[0], f"{', '.join(targets)}, from {Path(table).name}")
        write_columns(paths[1], board_columns(board))
        write_json(paths[2], board)
        _print(f"The board is in {output}: board.png, board.csv, board.json.")


@app.command()
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
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Predict every row of a table into a file."""
    from plait.model import load
    from plait.progress import Progress
    from plait.report.files import SUFFIXES, require_new, write_predictions

    require_new(output, overwrite, SUFFIXES)
    loaded = load(model)
    rows = _read(table, allow_outside, allow_urls, encoding)
    prediction = loaded.predict(rows, Progress(lines=True), explain=explain)
    write_predictions(output, rows, prediction, probabilities)
    _print(f"Written to {output}: {many(len(prediction), 'prediction')} of {loaded.target.name!r}.")
    for name in prediction.absent:
        hint = did_you_mean(name, [n for n in rows.columns if n not in loaded.columns])
        _print(f"Column {name!r} is not in the table, so it is missing in every row.{hint}")
    skipped = prediction.skipped
    skipped.add_rows(rows.problems)
    if len(skipped):
        path = require_new(output.with_suffix(".skipped.csv"), overwrite=True)
        skipped.write(path)
        _print(
            f"Taken as missing, because not to be read: {many(len(skipped), 'cell')}; see {path}."
        )


@app.command()
def distil(
    model: ModelArgument,
    table: TableArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder.")] = Path("student"),
    size: Annotated[str, typer.Option(help="small or tiny.")] = "small",
    columns: Annotated[
        list[str] | None, typer.Option(help="That the student reads; all of the teacher's.")
    ] = None,
    encoders: Encoders = None,
    test: Annotated[
        str | None, typer.Option(help="Rows to judge on; a fifth of the table by default.")
    ] = None,
    split: SplitOption = None,
    temperature: Annotated[
        float | None, typer.Option(help="That probabilities are compared at.")
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Weight of the truth beside the teacher's prediction.")
    ] = None,
    beta: Annotated[float | None, typer.Option(help="Weight of the teacher's Features.")] = None,
    seed: Seed = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was killed.")
    ] = False,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Let a small student learn from a model, on rows with or without the target."""
    import shutil

    from plait.config import from_json
    from plait.distillation import Distilled, distil
    from plait.folder import require_free
    from plait.model import load
    from plait.progress import Progress
    from plait.report.files import distilled_columns, write_columns, write_json
    from plait.report.tables import distilled_table
    from plait.train.distil import DistilConfig

    journal = require_free(output, overwrite).with_name(f".{output.name}-journal")
    if not resume:
        shutil.rmtree(journal, ignore_errors=True)
    said = {"temperature": temperature, "alpha": alpha, "beta": beta, "seed": seed}
    student = distil(
        load(model),
        _read(table, allow_outside, allow_urls, encoding),
        size=size,
        columns=_names(columns) if columns is not None else None,
        encoders=_names(encoders),
        test=None if test is None else _read(test, allow_outside, allow_urls, encoding),
        split=split,
        config=from_json(DistilConfig, {k: v for k, v in said.items() if v is not None}),
        journal=journal,
        progress=Progress(lines=True),
    )
    folder = student.save(output, overwrite)
    found = from_json(Distilled, student.facts["distilled"])
    write_columns(folder / "distilled.csv", distilled_columns(found))
    write_json(folder / "distilled.json", found)
    _print(distilled_table(found))
    _print(f"The student is in {folder}. Next: plait predict {folder} new.csv")


@app.command()
def export(
    model: ModelArgument,
    source: Annotated[str, typer.Argument(help="Column whose network was fine-tuned.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder that is written.")],
) -> None:
    """Write a fine-tuned network as a folder that transformers reads."""
    from plait.model import load

    folder = load(model).export(source, output)
    _print(f"The network is in {folder}. Next: --encoders KIND={folder}")


@app.command()
def evaluate(
    model: ModelArgument,
    table: TableArgument,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Score a model on a table whose target is known."""
    from plait.config import to_json
    from plait.model import load

    result = load(model).evaluate(_read(table, allow_outside, allow_urls, encoding))
    if json:
        _print_json(to_json(result))
        return
    from plait.report.tables import evaluation_table

    _print(evaluation_table(result))


@app.command()
def explain(
    model: ModelArgument,
    table: TableArgument,
    rows: Annotated[int, typer.Option(min=1, help="How many of the first rows.")] = 10,
    target: Annotated[str | None, typer.Option(help="Which of several; all by default.")] = None,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Say what each column or modality added to the predictions of the first rows."""
    from plait.model import load
    from plait.report.tables import explanation_table

    data = _read(table, allow_outside, allow_urls, encoding)
    data = data.take(range(min(rows, len(data))))
    loaded = load(model)
    names = [part.name for part, _ in loaded.target.each]
    for name in names if target is None else [target]:
        if len(names) > 1:
            _print(f"{name}:")
        _print(explanation_table(loaded.explain(data, name)))


@app.command()
def embed(
    table: TableArgument,
    encoders: Encoders = None,
    output: Annotated[Path, typer.Option("--output", "-o", help=".parquet")] = Path(
        "vectors.parquet"
    ),
    image: Columns = None,
    text: Columns = None,
    audio: Sounds = None,
    video: Columns = None,
    ignore: Ignore = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Write the vectors that pretrained networks make of pictures, texts, sounds and videos."""
    from plait.progress import Progress
    from plait.report.files import require_new
    from plait.vectors import embed as embed_columns

    require_new(output, overwrite, [".parquet"])
    said = {"image": image, "text": text, "audio": audio, "video": video}
    found = embed_columns(
        _read(table, allow_outside, allow_urls, encoding),
        _names(encoders),
        modalities={name: kind for kind, names in said.items() for name in _names(names)},
        ignore=_names(ignore),
        progress=Progress(lines=True),
    )
    found.write(output)
    for name, vectors in found.columns.items():
        missing = int((vectors != vectors).all(axis=1).sum())
        _print(f"{name}: {many(len(vectors) - missing, 'vector')} of {vectors.shape[1]} numbers"
               + (f", {many(missing, 'row')} missing" if missing else ""))  # fmt: skip
    _print(f"Written to {output}.")
    if len(found.skipped):
        path = require_new(output.with_suffix(".skipped.csv"), overwrite=True)
        found.skipped.write(path)
        _print(f"Not to be read: {many(len(found.skipped), 'cell')}; see {path}.")


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all of it.")] = False,
) -> None:
    """Show or clear what pretrained networks made of files and texts before."""
    from plait.store import HOME, LIMIT, default_store

    store = default_store()
    if clear:
        store.clear()
        _print(f"Cleared {store.path.parent}.")
        return
    held = store.contents()
    _print(f"{many(held.values, 'value')}, {held.size / 1e9:.2f} of {held.limit / 1e9:g} GB, in "
           f"{held.path}. Another folder or limit: ${HOME}, ${LIMIT}.")  # fmt: skip


@app.command()
def quickstart(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder.")] = Path(
        "plait-quickstart"
    ),
    overwrite: Overwrite = True,
) -> None:
    """See what pictures and names of emoji each contribute: bundled data, no download."""
    from plait.progress import Progress
    from plait.quickstart import quickstart
    from plait.report.tables import board_table

    found = quickstart(output, overwrite, Progress())
    _print("Which group does an emoji belong to? From its picture alone, its name alone, and both:")
    _print("")
    _print(board_table(found.board))
    _print("")
    for evaluation, drawn in (
        (found.seen_vendor, "drawn by the vendor it learned from"),
        (found.other_vendor, "drawn by another vendor"),
    ):
        score = evaluation.scores["accuracy"]
        _print(f"{evaluation.rows} unseen emoji, {drawn}: accuracy {score.value:.3f} "
               f"[{score.low:.3f}, {score.high:.3f}]")  # fmt: skip
    _print("")
    for character, name, truth, item in found.examples:
        added = ", ".join(f"{source} {part:+.2f}" for source, part in item.contributions.items())
        right = "right" if item.value == truth else f"wrong, it is {truth}"
        _print(f"{character}  {name}: {item.value} ({item.score:.2f}, {right}); {added}")
    _print("")
    _print("Written: " + ", ".join(map(str, found.files)))
    _print("Next:")
    _print("  plait check your.csv --target COLUMN")
    _print("  plait fit your.csv --target COLUMN -o model")
    _print("  plait predict model new.csv -o predictions.csv")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from plait import __version__

        print(__version__)
        raise typer.Exit


def _read(path: str, allow_outside: bool, allow_urls: bool, encoding: str | None) -> Table:
    from plait.data.read import read

    return read(path, encoding=encoding, allow_outside=allow_outside, allow_urls=allow_urls)


def _names(given: list[str] | None) -> list[str]:
    return [name.strip() for item in given or [] for name in item.split(",") if name.strip()]


def _targets(given: list[str], table: Table) -> list[str]:
    """Return the targets that are named; commas are between them, unless a column has one."""
    return [name for item in given for name in ([item] if item in table else _names([item]))]


def _fusions(given: list[str] | None) -> list[str]:
    from plait.catalog import FUSIONS, QUICK_FUSIONS

    names = _names(given) or list(QUICK_FUSIONS)
    return list(FUSIONS) if names == ["all"] else names


def _modalities(
    image: list[str] | None,
    text: list[str] | None,
    number: list[str] | None,
    category: list[str] | None,
    categories: list[str] | None,
    date: list[str] | None,
    audio: list[str] | None,
    video: list[str] | None,
    series: list[str] | None,
    vector: list[str] | None,
) -> dict[str, Modality]:
    from plait.types import Modality

    said = {
        Modality.IMAGE: image,
        Modality.TEXT: text,
        Modality.NUMBER: number,
        Modality.CATEGORY: category,
        Modality.CATEGORIES: categories,
        Modality.DATE: date,
        Modality.AUDIO: audio,
        Modality.VIDEO: video,
        Modality.SERIES: series,
        Modality.VECTOR: vector,
    }
    return {name: modality for modality, given in said.items() for name in _names(given)}


def _settings(path: Path | None) -> dict[str, Any]:
    """Return the settings in a file; none without one."""
    import json

    from plait.errors import ConfigError

    if path is None:
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read settings from {str(path)!r}: {error}") from error


def _config(
    path: Path | None,
    encoders: list[str] | None = None,
    fine_tune: str | None = None,
    fusion: str | None = None,
    head: str | None = None,
    balance: str | None = None,
    folds: int | None = None,
    metric: str | None = None,
    seed: int | None = None,
) -> FitConfig:
    """Return the settings of a file, with those said on the command line put over them."""
    from dataclasses import replace

    from plait.config import from_json
    from plait.encoders.config import choose_encoders
    from plait.ensemble.config import FitConfig, balanced, fine_tuned

    values = _settings(path)
    said = {"fusion": fusion, "folds": folds, "metric": metric, "seed": seed}
    values |= {key: value for key, value in said.items() if value is not None}
    if head is not None:
        values["head"] = {**values.get("head", {}), "kind": head}
    found = from_json(FitConfig, values)
    found = found if balance is None else balanced(found, balance)
    found = found if fine_tune is None else fine_tuned(found, fine_tune)
    return replace(found, encoders=choose_encoders(_names(encoders), found.encoders))


def _print(what: Any) -> None:
    from rich.console import Console

    # A pipe or a file has no width: do not fold lines there.
    console = Console() if sys.stdout.isatty() else Console(width=200, soft_wrap=False)
    console.print(what, highlight=False)


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, ensure_ascii=False, indent=1))


GO_ON = " the same command with --resume (fit, distil) goes on where it was."


def _is_disk_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Run the command line; errors that the user can mend are one line, without a traceback."""
    from plait.errors import PlaitError

    try:
        app()
    except (PlaitError, OSError) as error:
        # An OSError names the file and what the system refused: disk full, no permission.
        more = f". Free some space, then{GO_ON}" if _is_disk_full(error) else ""
        print(f"Error: {error}{more}", file=sys.stderr)
        raise SystemExit(2) from None
    except MemoryError:
        print(f"Error: The memory is full. Use fewer columns, or free some; then{GO_ON}",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(2) from None
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer ends so, without a word
            print(f"Stopped; what was there before is as it was, and{GO_ON}", file=sys.stderr)
        raise
