"""What is kept of a training while it runs: a checkpoint to go on from, losses to look at."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from plait.errors import ConfigError, MissingExtraError, unknown

if TYPE_CHECKING:
    from plait.train.checkpoint import Course

Watch = Callable[["Course"], None]


@dataclass(frozen=True)
class Record:
    """Of one training.

    Attributes:
        checkpoint: file in which what is under way is kept, and from which it goes on.
        watch: is told of the course after every epoch.
    """

    checkpoint: Path | None = None
    watch: Watch | None = None


TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",),
            "mlflow": ("mlflow",)}  # fmt: skip
"""Trackers by the name that accelerate knows, and the packages of which one must be there."""

HEAD = ("training", "epoch", "loss", "validation", "learning_rate")


class Track:
    """Writes what every training of a run does: `training.csv`, and to trackers.

    Args:
        folder: that is written to, made when there is something to write.
        trackers: names of `TRACKERS`; TensorBoard's files go to the folder, too.

    Raises:
        ConfigError: for a tracker that is not known.
        MissingExtraError: when its package is not there.
    """

    def __init__(self, folder: Path, trackers: Sequence[str] = ()) -> None:
        for name in trackers:
            if name not in TRACKERS:
                raise ConfigError(unknown("Tracker", name, TRACKERS))
            if not any(map(find_spec, TRACKERS[name])):
                raise MissingExtraError(
                    f"Tracker {name!r} needs a package that is not there: "
                    f"pip install {TRACKERS[name][-1]}"
                )
        self.folder, self.names, self.started = folder, tuple(trackers), False
        self.lock = Lock()  # networks of a contest learn beside one another
        # What is done again after a crash comes out the same, and stands there already.
        self.known = {tuple(row[:2]) for row in self._rows()}

    @property
    def path(self) -> Path:
        """Of the CSV."""
        return self.folder / "training.csv"

    def _rows(self) -> list[list[str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.reader(file))[1:]

    def watch(self, name: str) -> Watch:
        """Return what writes down each epoch of the training of that name."""

        def write(course: Course) -> None:
            numbers = (course.training[-1], course.validation[-1])
            rate = float(course.schedule.get_last_lr()[0])
            with self.lock:
                self._write(name, course.epoch - 1, (*numbers, rate))

        return write

    def _write(self, name: str, epoch: int, numbers: tuple[float, ...]) -> None:
        if (name, str(epoch)) in self.known:
            return
        self.known.add((name, str(epoch)))
        self._append((name, epoch, *numbers))
        for tracker, log in self._trackers():
            key = re.sub(r"[^\w /.-]", "_", name)
            values = dict(zip((f"{key}/{n}" for n in HEAD[2:]), numbers, strict=True))
            # W&B takes no step twice, and every training begins at epoch 0.
            log(values, step=None if tracker == "wandb" else epoch)

    def _append(self, row: Sequence[object]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(HEAD)
            writer.writerow(row)

    def _trackers(self) -> list[tuple[str, Callable[..., None]]]:
        """Return how each tracker is told; they are started when there is something to tell."""
        if not self.names:
            return []
        if not self.started:
            from accelerate import Accelerator

            self.accelerator = Accelerator(log_with=list(self.names), project_dir=self.folder)
            self.accelerator.init_trackers("plait")
            self.started = True
        return [(tracker.name, tracker.log) for tracker in self.accelerator.trackers]

    def close(self) -> None:
        """Let the trackers write what they hold."""
        if self.started:
            self.accelerator.end_training()
            self.started = False
