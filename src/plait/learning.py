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
from plait.errors import ColumnError, ConfigError
from plait.model import Model
from plait.progress import Progress
from plait.train.record import Track
from plait.types import Modality

if TYPE_CHECKING:
    from plait.drawer.drawer import Drawer
    from plait.segmenter.segmenter import Segmenter
    from plait.writer.writer import Writer

MADE = {Modality.TEXT: "a text", Modality.MASK: "a mask", Modality.IMAGE: "a picture"}
"""Targets that are made by a model of their own, and not predicted in a contest, in words."""


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
) -> Model | Writer | Segmenter | Drawer:
    """Learn to make columns from the others: classes and numbers, a text, a mask, a picture.

    Takes and raises what `plait.fitting.fit` does; texts, masks and pictures have no search for
    settings yet (`trials`) and no model to start from.

    Returns:
        A `Model`; a `Writer` where the target is a text (see `plait.writer.learning.write`), a
        `Segmenter` where it is a mask (see `plait.segmenter.learning.segment`), a `Drawer` where it
        is a picture (see `plait.drawer.learning.draw`).
    """
    table = read(table)
    made, names = made_targets(table, target, modalities or {})
    if made is None:
        return fitting.fit(
            table, target, preset=preset, modalities=modalities, ignore=ignore, split=split,
            config=config, trials=trials, start=start, journal=journal, track=track,
            progress=progress,
        )  # fmt: skip
    for name, asked in (("trials", bool(trials)), ("start", start is not None)):
        if asked:
            raise ConfigError(
                f"Target {names[0]!r} is {MADE[made]}, for which there is no {name!r} yet; leave "
                "it out."
            )
    if made is Modality.IMAGE:
        from plait.drawer.learning import draw

        return draw(
            table, names, preset=preset, modalities=modalities, ignore=ignore, split=split,
            config=config, journal=journal, track=track, progress=progress,
        )  # fmt: skip
    if made is Modality.MASK:
        from plait.segmenter.learning import segment

        return segment(
            table, names, preset=preset, modalities=modalities, ignore=ignore, split=split,
            config=config, journal=journal, track=track, progress=progress,
        )  # fmt: skip
    from plait.writer.learning import write

    return write(
        table, names, preset=preset, modalities=modalities, ignore=ignore, split=split,
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
    `plait.writer.comparing.compare`), masks likewise (`plait.segmenter.comparing.compare`).
    """
    table = read(table)
    made, names = made_targets(table, target, modalities or {})
    if made is None:
        return fitting.compare(
            table, target, preset=preset, modalities=modalities, ignore=ignore, split=split,
            fusions=fusions or QUICK_FUSIONS, config=config, progress=progress,
        )  # fmt: skip
    if made is Modality.IMAGE:
        raise ConfigError(
            f"Target {names[0]!r} is a picture, and there is no contest of what draws; `plait fit` "
            "says how held-out pictures scored."
        )
    if made is Modality.MASK:
        from plait.segmenter.comparing import compare as compare_masks

        return compare_masks(
            table, names, preset=preset, modalities=modalities, ignore=ignore, split=split,
            fusions=fusions or ("concat",), config=config, progress=progress,
        )  # fmt: skip
    from plait.writer.comparing import compare

    return compare(
        table, names, preset=preset, modalities=modalities, ignore=ignore, split=split,
        fusions=fusions or ("concat",), config=config, progress=progress,
    )  # fmt: skip


def made_targets(
    table: Table, target: str | Sequence[str], modalities: Mapping[str, str]
) -> tuple[Modality | None, list[str]]:
    """Return what is made, if anything is, and the targets as they were said, that one first.

    Raises:
        ColumnError: for a column that is not there, or cannot be a target; or where there are
            two kinds that one model each makes.
    """
    names, said = split_targets(target, table)
    overrides = fitting.overrides_of(modalities) | said
    # The other columns are looked at where they are read.
    alone = table.drop([name for name in table.columns if name not in names])
    schema = detect(alone, names, {n: own for n, own in overrides.items() if n in names})
    if any(schema[name].modality is Modality.IMAGE for name in names):
        schema = detect(table, names, overrides)  # a mask is known by the picture that it is of
    found = {name: require_target(schema, name).modality for name in names}
    kinds = [kind for kind in MADE if kind in found.values()]
    if not kinds:
        return None, []
    if len(kinds) > 1:
        raise ColumnError(
            f"Targets hold {' and '.join(kind.value for kind in kinds)}, which no one model makes; "
            "take one of them."
        )
    ordered = sorted(names, key=lambda name: found[name] is not kinds[0])
    return kinds[0], [f"{n}:{said[n].value}" if n in said else n for n in ordered]
