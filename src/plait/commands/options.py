"""What the commands share: options, and what their words mean."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plait.errors import many

if TYPE_CHECKING:
    from plait.data.quality import Ledger
    from plait.data.table import Table
    from plait.ensemble.config import FitConfig
    from plait.types import Modality

TableArgument = Annotated[
    str,
    typer.Argument(help="CSV, TSV, JSONL, Parquet, Arrow, .tar, a folder, or a URI."),
]
ModelArgument = Annotated[Path, typer.Argument(help="A model folder that `plait fit` wrote.")]
SpaceArgument = Annotated[Path, typer.Argument(help="A space that `plait align` wrote.")]
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


Join = Annotated[
    list[str] | None,
    typer.Option(help="COLUMN=TABLE or COLUMN=TABLE:KEY, that the column refers to; repeated."),
]


BUNDLED = "bundled:"
"""Begins the name of a table that comes with plait."""


def read_table(
    path: str,
    allow_outside: bool,
    allow_urls: bool,
    encoding: str | None,
    join: list[str] | None = None,
) -> Table:
    """Return the table at a path or URI, or a bundled one, with those that its columns refer to."""
    from plait import datasets
    from plait.data.read import read
    from plait.data.reference import parse_join

    bundled = path.startswith(BUNDLED)
    return read(
        datasets.load(path.removeprefix(BUNDLED)) if bundled else path,
        encoding=encoding,
        allow_outside=allow_outside,
        allow_urls=allow_urls,
        join=parse_join(join or []),
    )


def names_of(given: list[str] | None) -> list[str]:
    """Return the names of an option that may be repeated or have commas."""
    return [name.strip() for item in given or [] for name in item.split(",") if name.strip()]


def targets_of(given: list[str], table: Table) -> list[str]:
    """Return the targets that are named; commas are between them, unless a column has one."""
    return [name for item in given for name in ([item] if item in table else names_of([item]))]


def fusions_of(given: list[str] | None) -> list[str]:
    """Return the names of fusions; `all` is each of them."""
    from plait.catalog import FUSIONS, QUICK_FUSIONS

    names = names_of(given) or list(QUICK_FUSIONS)
    return list(FUSIONS) if names == ["all"] else names


def modalities_of(
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
    """Return what columns were said to hold, by column."""
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
    return {name: modality for modality, given in said.items() for name in names_of(given)}


LanguageModel = Annotated[
    str | None,
    typer.Option(help="That writes where the target is a text: its folder, or name on the hub."),
]
Instruction = Annotated[str | None, typer.Option(help="For a language model, behind the inputs.")]
Adapt = Annotated[
    str | None,
    typer.Option(help="Train a language model on: none (what it reads alone), last, all or lora."),
]
AsIs = Annotated[bool, typer.Option("--as-is", help="Take a language model as it is.")]
MaskOf = Annotated[
    str | None, typer.Option(help="Column whose pixels get classes, where several hold pictures.")
]
Classes = Annotated[
    Path | None,
    typer.Option(help="Names of the values in masks: a CSV of value,name[,colour], or JSON."),
]
Void = Annotated[
    list[int] | None, typer.Option(help="Value of pixels in masks that do not count; repeatable.")
]
Tile = Annotated[
    int | None, typer.Option(help="Cut large pictures into tiles of so many pixels.", min=0)
]
Reward = Annotated[
    str | None, typer.Option(help="Metric of texts that is learned from afterwards: cider...")
]


def writing_config(
    config: FitConfig,
    language_model: str | None,
    instruction: str | None,
    adapt: str | None,
    as_is: bool,
    reward: str | None,
) -> FitConfig:
    """Return the settings with what was said of writing put over them."""
    from dataclasses import replace

    from plait.config import from_json, to_json
    from plait.tasks.write import WriteConfig

    said = {"language_model": language_model, "instruction": instruction}
    values = to_json(config.write)
    values |= {key: value for key, value in said.items() if value is not None}
    values["as_is"] = values["as_is"] or as_is
    if adapt is not None:
        values["tuning"]["way"] = adapt
    if reward is not None:
        values["reinforce"]["reward"] = reward
    return replace(config, write=from_json(WriteConfig, values, "write"))


def segmenting_config(
    config: FitConfig,
    picture: str | None,
    classes: Path | None,
    void: list[int] | None,
    tile: int | None,
) -> FitConfig:
    """Return the settings with what was said of masks put over them."""
    from dataclasses import replace

    from plait.config import from_json, to_json
    from plait.tasks.segment_config import SegmentConfig

    said = {
        "picture": picture,
        "classes": None if classes is None else str(classes),
        "void": void or None,
        "tile": tile,
    }
    values = to_json(config.segment)
    values |= {key: value for key, value in said.items() if value is not None}
    return replace(config, segment=from_json(SegmentConfig, values, "segment"))


def settings_of(path: Path | None) -> dict[str, Any]:
    """Return the settings in a file; none without one."""
    import json

    from plait.errors import ConfigError

    if path is None:
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"Cannot read settings from {str(path)!r}: {error}") from error


def fit_config(
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
    from plait.encoders.config import choose_encoders, fine_tuned
    from plait.ensemble.config import FitConfig, balanced

    values = settings_of(path)
    said = {"fusion": fusion, "folds": folds, "metric": metric, "seed": seed}
    values |= {key: value for key, value in said.items() if value is not None}
    if head is not None:
        values["head"] = {**values.get("head", {}), "kind": head}
    found = from_json(FitConfig, values)
    found = found if balance is None else balanced(found, balance)
    chosen = choose_encoders(names_of(encoders), found.encoders)
    chosen = chosen if fine_tune is None else fine_tuned(chosen, fine_tune)
    return replace(found, encoders=chosen)


def show(what: Any) -> None:
    """Print a text or a table of rich."""
    from rich.console import Console

    # A pipe or a file has no width: do not fold lines there.
    console = Console() if sys.stdout.isatty() else Console(width=200, soft_wrap=False)
    console.print(what, highlight=False)


def show_json(value: Any) -> None:
    """Print a value as JSON; dates and what else JSON has no word for as texts."""
    import json

    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def show_skipped(ledger: Ledger, folder: Path) -> None:
    """Say what could not be used of the rows that were learned from, if anything."""
    if len(ledger):
        counts = ", ".join(f"{n} in {c}" for c, n in ledger.counts().most_common())
        show(f"{many(len(ledger), 'cell')} or whole rows could not be used ({counts}): "
             f"see {folder / 'skipped.csv'}.")  # fmt: skip


def write_skipped(ledger: Ledger, output: Path, said: str = "Not to be read") -> None:
    """Write what could not be read beside what was made of the rest, and say where; if anything."""
    from plait.report.files import require_new

    if len(ledger):
        path = require_new(output.with_suffix(".skipped.csv"), overwrite=True)
        ledger.write(path)
        show(f"{said}: {many(len(ledger), 'cell')}; see {path}.")
