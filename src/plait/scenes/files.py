"""The folder that a table of questions lies in."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from plait.errors import ConfigError
from plait.scenes.choosing import Asked
from plait.scenes.wording import worded
from plait.writing import replacing_folder


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """Give a hidden folder that gets its name when all ends well.

    Raises:
        ConfigError: when it is there already.
    """
    target = Path(folder)
    if target.exists():
        raise ConfigError(
            f"{str(target)!r} is there already; name a folder that is still to be made."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(target) as made:
        made.mkdir()
        yield made


def question_rows(
    medium: Mapping[str, str],
    asked: Asked,
    split: str,
    combination: str,
    random: np.random.Generator,
) -> list[dict[str, str]]:
    """Return a row for each question.

    Args:
        medium: the column of the picture or clip, and the file.
        asked: questions with their types.
        split: `train` or `test`.
        combination: `seen` or `new`.
        random: what the ways to ask are drawn from.
    """
    return [
        {
            **medium,
            "question": worded(question.form, question.words, random),
            "answer": question.answer,
            "type": kind,
            "split": split,
            "combination": combination,
        }
        for kind, question in asked
    ]


def write_csv(path: Path, rows: Sequence[Mapping[str, str | int | float]]) -> None:
    """Write rows that all have the same columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
