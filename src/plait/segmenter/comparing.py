"""Who segments best: the picture alone, words alone, several fusions, and one mask for all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plait.catalog import FUSIONS
from plait.data.loader import Reader, decode
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.referred import Referred
from plait.data.table import Table
from plait.ensemble.board import Board
from plait.ensemble.config import FitConfig
from plait.errors import ConfigError, unknown
from plait.evaluate.segmented import JudgedMasks, JudgedPhrases, mask_scores, phrase_scores
from plait.layers import bytes_of
from plait.making.comparing import BASELINE, Entrant, Scores, board_of
from plait.making.material import keys_of
from plait.progress import Progress
from plait.segmenter.building import picture_of, ready, tells_phrases
from plait.segmenter.learning import Ready, gathered, learn
from plait.segmenter.segmenter import Segmenter
from plait.segmenter.tiles import size_of_cell
from plait.segmenter.vary import target_of
from plait.tasks.segment import VOID
from plait.train.record import Record
from plait.types import Modality

CONSTANT = "one mask for all"

GREY = 128
"""Of every pixel, where an entrant is to see nothing of the pictures."""

Pairs = Iterator[tuple[np.ndarray, np.ndarray]]


def compare(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    fusions: Sequence[str] = ("concat",),
    config: FitConfig | None = None,
    progress: Progress | None = None,
) -> Board:
    """Judge masks of the picture alone, of each other source on a grey picture, and of all.

    Beside them stands the commonest class of every pixel, for all rows.

    Takes what `plait.segmenter.learning.segment` takes, and raises what it raises.

    Returns:
        The board; `chance` is the score of the one mask for all.
    """
    table, progress = read(table), progress or Progress()
    config = ready(config or FitConfig(), preset)
    for name in fusions:
        if name not in FUSIONS:
            raise ConfigError(unknown("Fusion", name, FUSIONS))
    ready_made = gathered(table, target, modalities or {}, ignore, split, config, progress)
    picture = picture_of(ready_made.material.sources, config.segment.picture)
    contest = Contest(ready_made, picture, config, progress)
    others = [s.name for s in ready_made.material.sources if s.name != picture]
    entrants = [contest.enter(picture, "single", config.fusion, [picture])]
    entrants += [
        contest.enter(n, "single", config.fusion, [n, picture], blind=True) for n in others
    ]
    if others:
        entrants += [contest.enter(name, FUSIONS[name].level, name, None) for name in fusions]
    entrants.append(contest.constant())
    metric = "giou" if "giou" in entrants[0].scores else "mean_iou"
    return board_of(entrants, metric, 1, len(ready_made.judged), CONSTANT)


@dataclass(frozen=True)
class Contest:
    """Lets entrants learn and be judged on the same rows.

    Attributes:
        ready: the table.
        picture: the source whose pixels get classes.
        config: all settings.
        progress: where to show it.
    """

    ready: Ready
    picture: str
    config: FitConfig
    progress: Progress

    def enter(
        self, name: str, level: str, fusion: str, only: Sequence[str] | None, blind: bool = False
    ) -> Entrant:
        """Return an entrant that learned.

        Args:
            name: of it.
            level: of it.
            fusion: by its name.
            only: the sources that it reads; None for all.
            blind: whether all pictures are grey to it.
        """
        self.progress.say(f"{name}:")
        start = time.perf_counter()
        model, judged = self.learned(fusion, only, blind)
        middle = time.perf_counter()
        pairs = ((truth, made) for _, truth, made in model.pairs(judged, self.progress))
        scores = self.scores(pairs)
        seconds = time.perf_counter() - middle
        size = bytes_of(model.network.state_dict().values())
        return Entrant(name, level, scores, middle - start, len(judged) / seconds, size / 1e6)

    def learned(
        self, fusion: str, only: Sequence[str] | None, blind: bool, record: Record | None = None
    ) -> tuple[Segmenter, Table]:
        """Return a model that learned, and the rows that it is judged on; see `enter`."""
        ready, config = self.ready, replace(self.config, fusion=fusion)
        material, judged = ready.material, ready.judged
        if blind:
            grey = np.full((1, config.segment.side, config.segment.side, 3), GREY, np.uint8)
            same = Referred([grey], np.zeros(len(material.keys), np.int64))
            samples = {**material.samples, self.picture: same}
            material, judged = replace(material, samples=samples), greyed(judged, self.picture)
        rows = ready.parted.learning
        kept = record or Record()
        model = learn(material, ready.classes, rows, config, kept, self.progress, only)
        return model, judged

    def constant(self) -> Entrant:
        """Return the commonest class of every pixel, for all rows."""
        material, classes = self.ready.material, self.ready.classes
        counts = np.zeros((len(classes), *material.values[0].shape), np.int64)
        for row in self.ready.parted.learning:
            target = target_of(classes.encode(material.values[row]))
            for number in np.unique(target[target != VOID]):
                counts[number] += target == number
        commonest = counts.argmax(axis=0)
        judged, column = self.ready.judged, material.schema[material.target]

        def pairs() -> Pairs:
            for row in range(len(judged)):
                truth = classes.encode(decode(judged.cell(column.name, row), Modality.MASK, judged))
                rows, columns = (
                    np.arange(length) * commonest.shape[0] // length for length in truth.shape
                )
                yield truth, commonest[np.ix_(rows, columns)]

        return Entrant(CONSTANT, BASELINE, self.scores(pairs()))

    def scores(self, pairs: Pairs) -> Scores:
        """Return the scores of true and predicted masks of the judged rows."""
        sources, seed = self.ready.material.sources, self.config.seed
        groups = keys_of(Reader(self.ready.judged, Ledger()), sources)[1]
        if tells_phrases(self.ready.classes, sources):
            return phrase_scores(JudgedPhrases.of(pairs), groups, seed)
        return mask_scores(JudgedMasks.of(pairs, len(self.ready.classes)), groups, seed)


class Grey(Sequence[Any]):
    """Grey pictures of the sizes of a column's own; what is no picture stays as it is."""

    def __init__(self, table: Table, column: str) -> None:
        self.table, self.column = table, column

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one cell; slices not needed
        size = size_of_cell(self.table, self.column, int(row))
        return self.table.cell(self.column, row) if size is None else _grey(size)


def _grey(size: Sequence[int]) -> np.ndarray:
    return np.full((*size, 3), GREY, np.uint8)


def greyed(table: Table, picture: str) -> Table:
    """Return a table whose pictures are grey."""
    data: dict[str, Sequence[Any]] = {name: table.values(name) for name in table.columns}
    return Table.of(data | {picture: Grey(table, picture)}, table.folder, table.allow_outside)
