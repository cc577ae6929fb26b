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
) -> Model | Writer:
    """Learn to make columns from the others: classes, labels and numbers, or a text and such.

    Takes and raises what `plait.fitting.fit` does; a text has no search for settings yet (`trials`)
    and no model to start from.

    Returns:
        A `Model`, or a `Writer` where the target is a text (see `plait.writer.learning.write`).
    """
    table = read(table)
    written = written_targets(table, target, modalities or {})
    if not written:
        return fitting.fit(
            table, target, preset=preset, modalities=modalities, ignore=ignore, split=split,
            config=config, trials=trials, start=start, journal=journal, track=track,
            progress=progress,
        )  # fmt: skip
    for name, asked in (("trials", bool(trials)), ("start", start is not None)):
        if asked:
            raise ConfigError(
                f"Target {written[0]!r} is a text, for which there is no {name!r} yet; leave it "
                "out."
            )
    from plait.writer.learning import write

    return write(
        table, written, preset=preset, modalities=modalities, ignore=ignore, split=split,
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
    written = written_targets(table, target, modalities or {})
    if not written:
        return fitting.compare(
            table, target, preset=preset, modalities=modalities, ignore=ignore, split=split,
            fusions=fusions or QUICK_FUSIONS, config=config, progress=progress,
        )  # fmt: skip
    from plait.writer.comparing import compare

    return compare(
        table, written, preset=preset, modalities=modalities, ignore=ignore, split=split,
        fusions=fusions or ("concat",), config=config, progress=progress,
    )  # fmt: skip


def written_targets(
    table: Table, target: str | Sequence[str], modalities: Mapping[str, str]
) -> list[str]:
    """Return the targets as they were said, the text first; none where none of them is a text.

    Raises:
        ColumnError: for a column that is not there, or cannot be a target.
    """
    names, said = split_targets(target, table)
    overrides = fitting.overrides_of(modalities) | said
    # The other columns are looked at where they are read.
    alone = table.drop([name for name in table.columns if name not in names])
    schema = detect(alone, names, {n: own for n, own in overrides.items() if n in names})
    found = {name: require_target(schema, name).modality for name in names}
    if Modality.TEXT not in found.values():
        return []
    ordered = sorted(names, key=lambda name: found[name] is not Modality.TEXT)
    return [f"{name}:{said[name].value}" if name in said else name for name in ordered]
