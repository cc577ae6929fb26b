"""The folder that a table of questions lies in."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from plait.errors import ConfigError
from plait.scenes.choosing import Asking
from plait.scenes.wording import worded
from plait.writing import replacing_folder

LEAST_SIZE = 48
"""Pixels of a picture's side, below which small things cannot be told apart by anybody."""


@contextmanager
def new_folder(folder: str | Path, size: int) -> Iterator[Path]:
    """Give a hidden folder that gets its name when all ends well.

    Args:
        folder: that is made.
        size: of what is put into it, in pixels.

    Raises:
        ConfigError: when it is there already, or the size is too small or odd.
    """
    if size < LEAST_SIZE or size % 2:
        raise ConfigError(
            f"size is {size}, expected an even number of pixels from {LEAST_SIZE} on."
        )
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
    file: Mapping[str, str],
    asking: Asking[Any],
    random: np.random.Generator,
) -> list[dict[str, str]]:
    """Return a row for each question.

    Args:
        file: the column of the picture or clip, and its name.
        asking: what is asked about it.
        random: what the ways to ask are drawn from.
    """
    return [
        {
            **file,
            "question": worded(question.form, question.words, random),
            "answer": question.answer,
            "type": kind,
            "split": asking.split,
            "combination": asking.combination,
        }
        for kind, question in asking.asked
    ]


def write_csv(path: Path, rows: Sequence[Mapping[str, str | int | float]]) -> None:
    """Write rows that all have the same columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
