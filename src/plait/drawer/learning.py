"""Learn to draw a picture column from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from plait.chance import seeded
from plait.config import to_json
from plait.data.image import Picture
from plait.data.read import read
from plait.data.rules import is_missing
from plait.drawer.building import build, canvas_of, network_of
from plait.drawer.canvas import Canvas, square
from plait.drawer.drawer import Drawer
from plait.drawer.judging import compared
from plait.drawer.sheet import Growing, below, due, save, strip
from plait.ensemble.config import FitConfig
from plait.errors import ColumnError, ConfigError, many
from plait.evaluate.drawn import DrawnEvaluation
from plait.fitting import without_nan
from plait.grouping import components
from plait.layers import on_accelerator
from plait.making.material import Material, Parted, Request, gather, part
from plait.making.reading import encoded_rows, fitted, ready
from plait.making.run import begin, require_parts
from plait.making.training import Training, also
from plait.progress import Progress
from plait.tasks.draw_config import DrawConfig
from plait.train.record import Record, Track
from plait.types import MEDIA, Modality

if TYPE_CHECKING:
    from plait.train.checkpoint import Course

QUIET = Progress(show=False)

COMPARED = 2000
"""Pictures learned from that drawn ones are compared with, at most."""

ROWS_A_BATCH = 64


@dataclass(frozen=True)
class Pictures:
    """What is learned from.

    Attributes:
        material: of all rows, without the pictures.
        squares: (n side side 3) uint8.
        canvas: what is drawn on.
        parted: which rows learn.
    """

    material: Material
    squares: np.ndarray
    canvas: Canvas
    parted: Parted


def draw(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    config: FitConfig | None = None,
    journal: str | Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Drawer:
    """Learn to draw a picture column from the others.

    A tenth of the rows is held out with all that have a picture, sound or video in common with
    them, and is never learned from; some of these are drawn and judged.

    Args:
        table: anything that `plait.read` takes.
        target: the column, or `column:image`.
        preset: the encoders that none is named for.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        split: as in `plait.fit`.
        config: all other settings.
        journal: folder in which what is under way is kept until the end; see `plait.fit`.
        track: is told of every epoch; its folder gets the sheets of pictures.
        progress: where to show it; a terminal, by default.

    Returns:
        The model. `model.facts["judged"]` holds what held-out rows scored.

    Raises:
        ColumnError: for a column that is not there, or where the target is no picture.
        ConfigError: for a setting that is not allowed.
        ModelError: when the journal is of another run, or an autoencoder cannot be had.
        TableError: when the table cannot be learned from.
    """
    table, progress = read(table), progress or Progress()
    config = ready(config or FitConfig(), preset)
    if config.encoders.finetune.way != "none":
        raise ConfigError(
            "What draws takes pretrained networks as they are; leave out --fine-tune, and take "
            "preset 'standard' in place of 'best'."
        )
    canvas = canvas_of(config.draw)
    kept_of = Squares(config.draw)
    request = Request(
        target, Modality.IMAGE, modalities or {}, ignore, split, lambda *_: kept_of.keep
    )
    material, parted = gather(
        table, request, lambda sources: build(sources, config).encoders, config, progress
    )
    kept_of.say(progress)
    material, squares = _regrouped(material)
    if split is None:
        parted = part(None, material, config.seed)
    pictures = Pictures(material, squares, canvas, parted)
    require_parts(len(squares), parted)
    own = {"rows": len(parted.learning), "apart": True, "canvas": canvas.identity}
    facts, kept = begin(table, material, config, split, own, journal, track)
    model = learn(pictures, config, kept.record(0, material.target), progress, track)
    _say_cut(model, table, progress)
    found = judged(model, pictures, progress, track)
    kept.remove()
    return replace(model, facts=facts | {"judged": without_nan(to_json(found))})


class Squares:
    """Makes squares of pictures as they are read, and remembers what they were."""

    def __init__(self, config: DrawConfig) -> None:
        self.config, self.several = config, 0
        self.sizes: Counter[str] = Counter()

    def keep(self, row: int, pictures: Sequence[Picture]) -> Picture:
        """Return the first picture of a cell as a square."""
        height, width = pictures[0].shape[:2]
        self.sizes[f"{width}x{height}"] += 1
        self.several += len(pictures) > 1
        return square(pictures[0], self.config)

    def say(self, progress: Progress) -> None:
        """Say what was made of pictures of other sizes, and of several in one cell."""
        side = self.config.side
        if set(self.sizes) != {f"{side}x{side}"}:
            usual = ", ".join(f"{size} ({count:,})" for size, count in self.sizes.most_common(3))
            how = "cut to their middle" if self.config.fit == "crop" else "put on white"
            progress.say(f"Pictures of {many(len(self.sizes), 'size')} ({usual}) become "
                         f"{side}x{side}; those that are no squares are {how}.")  # fmt: skip
        if self.several:
            progress.say(f"{many(self.several, 'row')} with several pictures: the first is drawn.")


def _regrouped(material: Material) -> tuple[Material, np.ndarray]:
    """Return rows in groups that have a picture in common, drawn or read, and the squares.

    Of one prompt there may be many pictures, as of a class: these need not stay together.

    Raises:
        ColumnError: for targets beside the picture.
    """
    if material.others is not None:
        raise ColumnError(
            f"Pictures are drawn alone, and {material.others.name!r} is named beside "
            f"{material.target!r}; fit a model for it by itself."
        )
    squares = np.stack(material.values)
    names = [blake2b(own.tobytes(), digest_size=16).hexdigest() for own in squares]
    keys = [np.unique(names, return_inverse=True)[1].astype(float)]
    if any(source.kind in MEDIA for source in material.sources):
        keys.append(material.groups.astype(float))
    groups = components(np.stack(keys, axis=1))
    return replace(material, values=[], groups=groups), squares


def learn(
    pictures: Pictures,
    config: FitConfig,
    record: Record,
    progress: Progress,
    track: Track | None = None,
) -> Drawer:
    """Return a model that learned from the rows that are for that."""
    material, rows = pictures.material, pictures.parted.learning
    with seeded(config.seed):
        made = build(material.sources, config)
        encoded = fitted(material, rows, made.frozen, made.trained, config.seed)
        widths = encoded.widths(made.trained)
        network = network_of(widths, made, pictures.canvas.shape, config)
        model = Drawer(
            material.schema, material.target, material.sources, made.frozen, network, config, {},
            material.ledger,
        )  # fmt: skip
        grow = _growing(model, pictures, track) if track and config.draw.samples else None
        watch = record.watch if grow is None else also(record.watch, grow)
        told, target = replace(record, watch=watch), pictures.canvas.put(pictures.squares[rows])
        training = Training(material, rows, encoded, target, config.seed, told, progress)
        training.train(network, config.drawing, "Learning to draw")
    network.eval()
    return model


def _growing(model: Drawer, pictures: Pictures, track: Track) -> Any:
    """Return what draws some held-out rows now and then, at the same seeds, into a sheet."""
    own, shown = model.config.draw, pictures.parted.judged[: model.config.draw.samples]
    seeds = [own.drawing.seed + number for number in range(len(shown))]
    sheet = Growing(track.folder, _words(pictures.material, shown))
    rows = encoded_rows(model, pictures.material, shown)

    def watch(course: Course) -> None:
        if not due(course.epoch, own.every, course.epochs):
            return
        with course.average.in_place():
            drawn = model.drawn(rows, seeds, own.drawing, QUIET)
        sheet.add(course.epoch, course.training[-1], drawn)

    return watch


def _words(material: Material, rows: np.ndarray) -> list[str]:
    """Return what each of some rows says: the cells of its texts and of its table."""
    table = material.table
    columns = [column.stored for source in material.sources if source.kind in ("text", "table")
               for column in source.columns if column.stored in table]  # fmt: skip
    found = []
    for row in rows.tolist():
        cells = [table.cell(column, row) for column in columns]
        said = [" ".join(str(cell).split()) for cell in cells if not is_missing(cell)]
        found.append(", ".join(said))
    return found


def _say_cut(model: Drawer, table: Any, progress: Progress) -> None:
    cut = model.cut(table)
    if cut:
        row, words = next(iter(cut.items()))
        progress.say(f"{many(len(cut), 'row')} with a text that is longer than its encoder reads "
                     f"(row {row}: {words}); raise encoders.trained.longest.")  # fmt: skip


def judged(
    model: Drawer, pictures: Pictures, progress: Progress, track: Track | None = None
) -> DrawnEvaluation:
    """Return how pictures of held-out rows stand beside the real ones, and draw them on a sheet."""
    own, material, parted = model.config.draw, pictures.material, pictures.parted
    rows = parted.judged[: own.judged]
    encoded = encoded_rows(model, material, rows)
    seeds = [own.drawing.seed + number for number in range(len(rows))]
    with on_accelerator(model.network):
        made = model.drawn(encoded, seeds, own.drawing, progress)
    there = [number for number, picture in enumerate(made) if picture is not None]
    drawn, real = [made[n] for n in there], [pictures.squares[rows[n]] for n in there]
    random = np.random.default_rng(model.config.seed)
    known = random.permutation(parted.learning)[:COMPARED]
    learned = [pictures.squares[row] for row in known]
    beside = compared(learned, real, drawn, own.judge, progress)  # type: ignore[arg-type]
    if track is not None:
        first = list(range(min(len(there), 12)))
        strips = [
            strip([real[n] for n in first], "real"),
            strip([drawn[n] for n in first], "drawn"),
            strip([learned[beside.nearest.rows[n]] for n in first], "nearest learned"),
        ]
        words = _words(material, rows[[there[n] for n in first]])
        save(below(strips, words), track.folder / "drawn.png")
    scores = {"loss": _loss(model, pictures, rows), **beside.scores}
    return DrawnEvaluation(material.target, len(there), own.judge, scores)


@torch.no_grad()
def _loss(model: Drawer, pictures: Pictures, rows: np.ndarray) -> float:
    """Return the loss of held-out rows."""
    encoded, total = encoded_rows(model, pictures.material, rows), 0.0
    target = pictures.canvas.put(pictures.squares[rows])
    for batch, features in model.batches(encoded, ROWS_A_BATCH):
        ones = torch.ones(len(batch))
        total += float(model.task.loss(features, target[batch], ones)) * len(batch)
    return total / len(rows)
