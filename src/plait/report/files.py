"""Results as files: predictions beside the rows they belong to, boards as CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.config import to_json
from plait.data.table import Table
from plait.errors import ConfigError
from plait.writing import replacing

if TYPE_CHECKING:
    from plait.distillation import Distilled
    from plait.ensemble.board import Board
    from plait.evaluate.zero_shot import ZeroShot
    from plait.model import Prediction

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def require_new(path: Path, overwrite: bool, suffixes: Sequence[str] = ()) -> Path:
    """Return the path of a file that may be written.

    Raises:
        ConfigError: when it exists and may not be replaced, or has a suffix that is not known.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ConfigError(f"Cannot write {path.name!r}; its suffix must be {', '.join(suffixes)}.")
    if path.exists() and not overwrite:
        raise ConfigError(f"{str(path)!r} exists already; choose another name or say --overwrite.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def require_new_folder(path: Path, overwrite: bool) -> Path:
    """Return the path of a folder that may be filled.

    Raises:
        ConfigError: when something is in it and may not be replaced.
    """
    if path.exists() and any(path.iterdir() if path.is_dir() else [path]) and not overwrite:
        raise ConfigError(f"{str(path)!r} exists already; choose another name or say --overwrite.")
    return path


def write_predictions(
    path: Path,
    table: Table,
    prediction: Prediction,
    all_scores: bool = False,
) -> None:
    """Write a table's own columns and the predictions, by suffix CSV, TSV, JSONL or Parquet.

    Columns of bytes or Python objects are left out; every row is kept, in its order.

    Args:
        path: of the file.
        table: that was predicted.
        prediction: of its rows; what it explains is written too, a column a source.
        all_scores: write the probability of every class too.
    """
    columns = own_columns(table)
    for target, part in prediction.each.items():
        for name, made in _predicted(part, all_scores).items():
            several = prediction.parts and not name.startswith(target)
            columns[free_name(f"{target} {name}" if several else name, columns)] = made
    write_columns(path, columns)


def own_columns(table: Table) -> dict[str, list[Any]]:
    """Return a table's columns of texts and numbers; those of bytes or objects are left out."""
    columns: dict[str, list[Any]] = {}
    for name in table.columns:
        cells = (table.cell(name, row) for row in range(len(table)))
        if all(value is None or isinstance(value, (str, int, float, bool)) for value in cells):
            columns[name] = table.values(name)
    return columns


def _predicted(prediction: Prediction, all_scores: bool) -> dict[str, list[Any]]:
    target = prediction.target
    values = ["|".join(v) if isinstance(v, tuple) else v for v in prediction.values]
    made: dict[str, list[Any]] = {f"{target.name}_predicted": values}
    if prediction.confidence is not None:
        made["probability"] = prediction.confidence.tolist()
    if all_scores:
        for label, scores in zip(target.labels, prediction.scores.T, strict=False):
            made[f"p({label})"] = scores.tolist()
    explanations = prediction.explanations
    for name in explanations[0].contributions if explanations else ():
        made[f"from {name}"] = [item.contributions[name] for item in explanations]
    return made


def zero_shot_columns(table: Table, found: ZeroShot) -> dict[str, list[Any]]:
    """Return a table's own columns, the likeliest label of each row, and every probability."""
    columns = own_columns(table)
    best = found.probabilities.max(axis=1)
    made = {"label": found.values, "probability": best.tolist()} | {
        f"p({label})": own.tolist()
        for label, own in zip(found.labels, found.probabilities.T, strict=True)
    }
    for name, values in made.items():
        columns[free_name(name, columns)] = list(values)
    return columns


def free_name(name: str, taken: dict[str, Any]) -> str:
    """Return the name, with _ behind it until it is not taken."""
    while name in taken:
        name += "_"
    return name


def write_columns(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write columns of equal length to a file, under another name first."""
    import pandas as pd

    frame = pd.DataFrame(columns)
    with replacing(path) as partial:
        match path.suffix.lower():
            case ".parquet":
                frame.to_parquet(partial, index=False)
            case ".jsonl":
                frame.to_json(partial, orient="records", lines=True, force_ascii=False)
            case suffix:
                frame.to_csv(partial, index=False, sep="\t" if suffix == ".tsv" else ",")


def board_columns(board: Board) -> dict[str, list[Any]]:
    """Return a board as columns: one row an entrant."""
    return {
        "entrant": [line.name for line in board.lines],
        "level": [line.level for line in board.lines],
        board.metric: [line.score.value for line in board.lines],
        "low": [line.score.low for line in board.lines],
        "high": [line.score.high for line in board.lines],
        "gain": [line.gain.value if line.gain else None for line in board.lines],
        "p": [line.gain.p if line.gain else None for line in board.lines],
        "fit_seconds": [line.fit_seconds for line in board.lines],
        "rows_per_second": [line.rows_per_second for line in board.lines],
        "megabytes": [line.megabytes for line in board.lines],
    }


def distilled_columns(found: Distilled) -> dict[str, list[Any]]:
    """Return a student beside its teacher as columns: one row a model."""
    sides = found.beside.sides
    return {
        "model": [side.name for side in sides],
        found.beside.metric: [side.score.value if side.score else None for side in sides],
        "low": [side.score.low if side.score else None for side in sides],
        "high": [side.score.high if side.score else None for side in sides],
        "lead": [side.lead.value if side.lead else None for side in sides],
        "p": [side.lead.p if side.lead else None for side in sides],
        "agreement": [side.agreement for side in sides],
        "rows_per_second": [side.rows_per_second for side in sides],
        "megabytes": [side.megabytes for side in sides],
    }


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass or plain values as JSON, under another name first."""
    text = json.dumps(to_json(value), ensure_ascii=False, indent=1)
    with replacing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
