"""`fit` and `compare`: what the target column holds decides what is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait import fitting
from plait.catalog import QUICK_FUSIONS
from plait.data.detect import detect, require_target, split_targets
from plait.data.read import read
from plait.data.table import Table
from plait.ensemble.board import Board
from plait.ensemble.config import FitConfig
from plait.errors import ConfigError
from plait.model import Model
from plait.progress import Progress
from plait.train.record import Track
from plait.types import Modality

if TYPE_CHECKING:
    from plait.drawer.drawer import Drawer
    from plait.writer.writer import Writer


def fit(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    config: FitConfig | None = None,
    trials: int = 0,
    start: Model | str | Path | None = None,
    journal: str | Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Model | Writer | Drawer:
    """Learn to make columns from the others: classes, labels and numbers, a text, or a picture.

    Takes and raises what `plait.fitting.fit` does; a text or a picture has no search for settings
    yet (`trials`) and no model to start from.

    Returns:
        A `Model`; a `Writer` where the target is a text (see `plait.writer.learning.write`), a
        `Drawer` where it is a picture (see `plait.drawer.learning.draw`).
    """
    table = read(table)
    made, kind = made_targets(table, target, modalities or {})
    if kind is None:
        return fitting.fit(
            table, target, preset=preset, modalities=modalities, ignore=ignore, split=split,
            config=config, trials=trials, start=start, journal=journal, track=track,
            progress=progress,
        )  # fmt: skip
    for name, asked in (("trials", bool(trials)), ("start", start is not None)):
        if asked:
            raise ConfigError(
                f"Target {made[0]!r} is {WORDS[kind]}, for which there is no {name!r} yet; leave "
                "it out."
            )
    if kind is Modality.IMAGE:
        from plait.drawer.learning import draw

        return draw(
            table, made, preset=preset, modalities=modalities, ignore=ignore, split=split,
            config=config, journal=journal, track=track, progress=progress,
        )  # fmt: skip
    from plait.writer.learning import write

    return write(
        table, made, preset=preset, modalities=modalities, ignore=ignore, split=split,
        config=config, journal=journal, track=track, progress=progress,
    )  # fmt: skip


def compare(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    fusions: Sequence[str] | None = None,
    config: FitConfig | None = None,
    progress: Progress | None = None,
) -> Board:
    """Judge every modality alone and several fusions on the same rows.

    Takes and raises what `plait.fitting.compare` does. A text is written by each of them, and
    beside them stand the text that suits most rows and that of the nearest row (see
    `plait.writer.comparing.compare`).
    """
    table = read(table)
    made, kind = made_targets(table, target, modalities or {})
    if kind is None:
        return fitting.compare(
            table, target, preset=preset, modalities=modalities, ignore=ignore, split=split,
            fusions=fusions or QUICK_FUSIONS, config=config, progress=progress,
        )  # fmt: skip
    if kind is Modality.IMAGE:
        raise ConfigError(
            f"Target {made[0]!r} is a picture, and there is no contest of what draws; `plait fit` "
            "says how held-out pictures scored."
        )
    from plait.writer.comparing import compare

    return compare(
        table, made, preset=preset, modalities=modalities, ignore=ignore, split=split,
        fusions=fusions or ("concat",), config=config, progress=progress,
    )  # fmt: skip


WORDS = {Modality.TEXT: "a text", Modality.IMAGE: "a picture"}
"""Targets that are made by a model of their own, in words."""


def made_targets(
    table: Table, target: str | Sequence[str], modalities: Mapping[str, str]
) -> tuple[list[str], Modality | None]:
    """Return the targets as they were said, and whether a text or a picture is among them, first.

    Raises:
        ColumnError: for a column that is not there, or cannot be a target.
    """
    names, said = split_targets(target, table)
    overrides = fitting.overrides_of(modalities) | said
    # The other columns are looked at where they are read.
    alone = table.drop([name for name in table.columns if name not in names])
    schema = detect(alone, names, {n: own for n, own in overrides.items() if n in names})
    found = {name: require_target(schema, name).modality for name in names}
    kind = next((own for own in WORDS if own in found.values()), None)
    ordered = sorted(names, key=lambda name: found[name] is not kind)
    return [f"{name}:{said[name].value}" if name in said else name for name in ordered], kind
