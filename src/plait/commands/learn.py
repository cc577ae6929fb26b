"""`plait fit`, `compare`, `distil` and `quickstart`: learning to predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import (
    Adapt,
    AsIs,
    Balance,
    Classes,
    Columns,
    ConfigFile,
    Encoders,
    Encoding,
    FineTune,
    Folds,
    Ignore,
    Instruction,
    Join,
    LanguageModel,
    MaskOf,
    Metric,
    ModelArgument,
    Outside,
    Overwrite,
    Preset,
    Reward,
    Seed,
    Sounds,
    SplitOption,
    TableArgument,
    Target,
    Tile,
    Urls,
    Void,
    fit_config,
    fusions_of,
    modalities_of,
    names_of,
    read_table,
    segmenting_config,
    show,
    show_skipped,
    targets_of,
    writing_config,
)

if TYPE_CHECKING:
    from plait.drawer.drawer import Drawer
    from plait.model import Model
    from plait.segmenter.segmenter import Segmenter
    from plait.writer.writer import Writer


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
    language_model: LanguageModel = None,
    instruction: Instruction = None,
    adapt: Adapt = None,
    as_is: AsIs = False,
    reward: Reward = None,
    picture: MaskOf = None,
    classes: Classes = None,
    void: Void = None,
    tile: Tile = None,
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
    join: Join = None,
) -> None:
    """Learn to predict a column, and keep the best of a contest; or to write a text, or draw."""
    import shutil

    from plait.folder import require_free
    from plait.learning import fit
    from plait.progress import Progress
    from plait.train.record import Track

    journal = require_free(output, overwrite).with_name(f".{output.name}-journal")
    training = journal.with_name(f".{output.name}-training")
    for left in (journal, training) if not resume else ():
        shutil.rmtree(left, ignore_errors=True)
    track = Track(training, names_of(tracker))
    rows = read_table(table, allow_outside, allow_urls, encoding, join)
    model = fit(
        rows,
        targets_of(target, rows),
        preset=preset,
        modalities=modalities_of(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        ignore=names_of(ignore),
        split=split,
        config=segmenting_config(
            writing_config(
                fit_config(
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
                language_model,
                instruction,
                adapt,
                as_is,
                reward,
            ),
            picture,
            classes,
            void,
            tile,
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
    _show_model(model, folder, Path(table).name)
    show_skipped(model.ledger, folder)
    verb, what = NEXT.get(type(model).__name__, ("predict", "new.csv"))
    show(f"The model is in {folder}. Next: plait {verb} {folder} {what}")


NEXT = {"Writer": ("caption", "new.csv"), "Drawer": ("draw", '"what to draw"')}
"""What models that make a column are used with."""


def _show_model(model: Model | Writer | Segmenter | Drawer, folder: Path, table: str) -> None:
    """Show how good a model is, and draw it into its folder."""
    from plait.config import from_json
    from plait.drawer.drawer import Drawer
    from plait.ensemble.board import Board
    from plait.ensemble.tune import Tuning
    from plait.evaluate.drawn import DrawnEvaluation
    from plait.evaluate.segmented import SegmentedEvaluation
    from plait.evaluate.written import read_evaluation
    from plait.model import Model
    from plait.report.drawn import drawn_table
    from plait.report.plots import board_plot, tuning_plot
    from plait.report.segmented import segmented_table
    from plait.report.tables import board_table
    from plait.report.written import written_table
    from plait.segmenter.segmenter import Segmenter

    if isinstance(model, Drawer):
        show(drawn_table(from_json(DrawnEvaluation, model.facts["judged"])))
        show(f"Sheets of pictures: {folder / 'training'}.")
        return
    if isinstance(model, Segmenter):
        show(segmented_table(from_json(SegmentedEvaluation, model.facts["judged"])))
        return
    if not isinstance(model, Model):
        show(written_table(read_evaluation(model.facts["judged"])))
        _draw_written(model, folder)
        return
    if "tuning" in model.facts:
        tuning_plot(from_json(Tuning, model.facts["tuning"]), folder / "tuning.png")
    board = from_json(Board, model.facts["board"])
    board_plot(board, folder / "board.png", f"{model.target.name}, from {table}")
    show(board_table(board))
    if "test" in model.facts:
        test = model.facts["test"]
        score = test["scores"][board.metric]
        show(f"On {test['rows']:,} test rows kept apart: {board.metric} {score['value']:.4f} "
               f"[{score['low']:.4f}, {score['high']:.4f}].")  # fmt: skip


def _draw_written(model: Writer, folder: Path) -> None:
    """Draw how far answers can be trusted, and what rewards did, where there are any."""
    from plait.report.written_plots import reward_plot, risk_plot

    if model.trust is not None:
        path = risk_plot(*model.trust.curve(), folder / "risk.png", model.target)
        show(f"Wrong answers by how many are answered: {path}")
    if model.facts.get("rewarded"):
        name = model.config.write.reinforce.reward
        path = reward_plot(model.facts["rewarded"], name, folder / "rewards.png")
        show(f"What learning from {name} did: {path}")


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
    picture: MaskOf = None,
    classes: Classes = None,
    void: Void = None,
    tile: Tile = None,
    config: ConfigFile = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
) -> None:
    """Judge every modality alone and every fusion on the same folds."""
    from plait.learning import compare
    from plait.progress import Progress
    from plait.report.files import board_columns, require_new, write_columns, write_json
    from plait.report.plots import board_plot
    from plait.report.tables import board_table

    paths = []
    if output is not None:
        names = ("board.png", "board.csv", "board.json")
        paths = [require_new(output / name, overwrite) for name in names]
    rows = read_table(table, allow_outside, allow_urls, encoding, join)
    targets = targets_of(target, rows)
    board = compare(
        rows,
        targets,
        preset=preset,
        modalities=modalities_of(
            image, text, number, category, categories, date, audio, video, series, vector
        ),
        ignore=names_of(ignore),
        split=split,
        fusions=fusions_of(fusion) if fusion else None,
        config=segmenting_config(
            fit_config(
                config,
                encoders,
                fine_tune,
                head=head,
                balance=balance,
                folds=folds,
                metric=metric,
                seed=seed,
            ),
            picture,
            classes,
            void,
            tile,
        ),
        progress=Progress(lines=True),
    )
    show(board_table(board))
    if paths:
        board_plot(board, paths[0], f"{', '.join(targets)}, from {Path(table).name}")
        write_columns(paths[1], board_columns(board))
        write_json(paths[2], board)
        show(f"The board is in {output}: board.png, board.csv, board.json.")


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
    join: Join = None,
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
        read_table(table, allow_outside, allow_urls, encoding, join),
        size=size,
        columns=names_of(columns) if columns is not None else None,
        encoders=names_of(encoders),
        test=None if test is None else read_table(test, allow_outside, allow_urls, encoding, join),
        split=split,
        config=from_json(DistilConfig, {k: v for k, v in said.items() if v is not None}),
        journal=journal,
        progress=Progress(lines=True),
    )
    folder = student.save(output, overwrite)
    found = from_json(Distilled, student.facts["distilled"])
    write_columns(folder / "distilled.csv", distilled_columns(found))
    write_json(folder / "distilled.json", found)
    show(distilled_table(found))
    show(f"The student is in {folder}. Next: plait predict {folder} new.csv")


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
    show("Which group does an emoji belong to? From its picture alone, its name alone, and both:")
    show("")
    show(board_table(found.board))
    show("")
    for evaluation, drawn in (
        (found.seen_vendor, "drawn by the vendor it learned from"),
        (found.other_vendor, "drawn by another vendor"),
    ):
        score = evaluation.scores["accuracy"]
        show(f"{evaluation.rows} unseen emoji, {drawn}: accuracy {score.value:.3f} "
               f"[{score.low:.3f}, {score.high:.3f}]")  # fmt: skip
    show("")
    for character, name, truth, item in found.examples:
        added = ", ".join(f"{source} {part:+.2f}" for source, part in item.contributions.items())
        right = "right" if item.value == truth else f"wrong, it is {truth}"
        show(f"{character}  {name}: {item.value} ({item.score:.2f}, {right}); {added}")
    show("")
    show("Written: " + ", ".join(map(str, found.files)))
    show("Next:")
    show("  plait check your.csv --target COLUMN")
    show("  plait fit your.csv --target COLUMN -o model")
    show("  plait predict model new.csv -o predictions.csv")
