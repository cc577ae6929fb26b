"""The training loop: it knows Features and a loss, and no task by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from plait.chance import drawn_from
from plait.data.split import apart
from plait.errors import ConfigError
from plait.network import Network
from plait.train.checkpoint import Checkpoint, Course
from plait.train.config import TrainConfig
from plait.train.optimise import put_weights, weights_of
from plait.train.order import order_of
from plait.train.record import Record
from plait.train.step import Lesson, Step

if TYPE_CHECKING:
    from accelerate import Accelerator

Judge = Callable[[Tensor, Tensor], float]

ROWS_A_BATCH = 512
"""Rows that are judged at a time."""

_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class History:
    """The mean loss and the validation cost of each epoch, and the epoch that was kept."""

    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int


def train(
    network: Network,
    lesson: Lesson,
    config: TrainConfig,
    seed: int,
    judge: Judge | None = None,
    record: Record | None = None,
) -> History:
    """Train a network in place: the fusion, the task, and the encoders that are its own.

    The weights of the epoch with the lowest validation cost are kept; with too few rows for a
    validation part (under 20), those of the last epoch. It runs on the devices and processes that
    `accelerate launch` gives; each process takes its share of every batch.

    Args:
        network: with the encoders that are trained.
        lesson: the training rows.
        config: settings.
        seed: of the order of rows, of what is hidden and of dropout; what else is drawn (dropout of
            transformers' networks, noise that a task adds, random changes of pictures) comes from
            torch's own generator.
        judge: cost of (k c) scores for a (k c) target, lower is better; the loss by default.
        record: where it keeps what is under way, and goes on from; and who is told of each epoch.

    Returns:
        What was seen on the way.

    Raises:
        ConfigError: for float16 without a GPU.
        TrainingError: when the loss is no number, or a single row does not fit into memory.
    """
    accelerator = _accelerator(config)
    processes, process = accelerator.num_processes, accelerator.process_index
    shuffle, hide = (torch.Generator().manual_seed(seed + more) for more in (0, 1 + process))
    drop = torch.Generator(accelerator.device).manual_seed(seed + 1 + processes + process)
    learning, held_out = split(lesson, config.validation_share, shuffle)
    steps = -(-len(learning) // config.batch_size)
    epochs = max(config.epochs, -(-config.least_steps // steps))
    patience = config.patience * epochs // config.epochs
    network.to(accelerator.device)
    generators = {"shuffle": shuffle, "hide": hide, "drop": drop}
    course = Course(network, epochs, steps, generators, config)
    record = record or Record()
    keep = Checkpoint(record.checkpoint)
    keep.read(course)
    step = Step(course, accelerator)
    while course.epoch < epochs and course.epoch - 1 - course.best_epoch < patience:
        with drawn_from(drop):
            _epoch(course, step, lesson, learning, keep if accelerator.is_main_process else None)
        with course.average.in_place():
            cost = _cost(network, lesson, held_out, judge)
            if not len(held_out) or cost < course.lowest:
                course.best, course.best_epoch = weights_of(network), course.epoch
                course.lowest = cost
        course.training.append(course.total / len(learning))
        course.validation.append(cost)
        course.epoch, course.step, course.total = course.epoch + 1, 0, 0.0
        if record.watch is not None and accelerator.is_main_process:
            record.watch(course)
    put_weights(network, course.best)
    network.cpu().eval()
    return History(tuple(course.training), tuple(course.validation), course.best_epoch)


def _epoch(
    course: Course, step: Step, lesson: Lesson, learning: Tensor, keep: Checkpoint | None
) -> None:
    """Take all steps of an epoch, or those that are left of it."""
    course.network.train()
    if course.step == 0:
        together = course.config.together if course.network.task.by_rows else 1
        course.order = order_of(
            lesson, learning, course.config.balanced, together, course.generators["shuffle"]
        )
    for batch in course.order.split(course.config.batch_size)[course.step :]:
        course.total += step(lesson, batch) * len(batch)
        course.step += 1
        if keep is not None and keep.due:
            keep.write(course)


def split(lesson: Lesson, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the rows that are learned from, and those that decide when to stop."""
    rows = len(lesson.target)
    drawn = torch.randperm(rows, generator=generator)
    if lesson.held is not None:
        held = lesson.held[drawn]
        return drawn[~held], drawn[held]
    order = drawn.numpy()
    held_out = round(rows * share) if rows >= 20 else 0
    checking, learning = apart(order, lesson.groups, [held_out])
    return torch.from_numpy(learning), torch.from_numpy(checking)


def rows_held(lesson: Lesson, config: TrainConfig, seed: int) -> Tensor:
    """Return the rows that `train` holds out with this seed."""
    return split(lesson, config.validation_share, torch.Generator().manual_seed(seed))[1]


def validate(
    network: Network, lesson: Lesson, config: TrainConfig, seed: int, judge: Judge | None = None
) -> float:
    """Return the cost of the rows that `train` holds out with this seed; NaN where there are none.

    Takes what `train` takes.
    """
    return _cost(network, lesson, rows_held(lesson, config, seed), judge)


@torch.no_grad()
def _cost(network: Network, lesson: Lesson, held_out: Tensor, judge: Judge | None) -> float:
    """Return the mean loss of the held-out rows, or what the judge says of their scores."""
    if not len(held_out):
        return float("nan")
    network.eval()
    device = next(network.parameters()).device
    total, scores = 0.0, []
    for batch in held_out.split(ROWS_A_BATCH):
        part = lesson.take(batch, device)
        features = network.encode(part.rows)
        if judge is None:
            total += float(network.loss(features, part.target, part.weight)) * len(batch)
        else:
            scores.append(network.predict(features).cpu())
    return (
        total / len(held_out)
        if judge is None
        else judge(torch.cat(scores), lesson.target[held_out])
    )


def _accelerator(config: TrainConfig) -> Accelerator:
    """Return what knows devices and processes, and scales the losses of float16.

    bfloat16 is the step's own: accelerate keeps one precision a process, and networks of a contest,
    which learn at the same time, have several.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState

    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # of missing modalities
    precision = "fp16" if config.precision == "float16" else "no"
    with _ONE_AT_A_TIME:
        try:
            accelerator = Accelerator(mixed_precision=precision, kwargs_handlers=[unused])
        except ValueError:  # the process has another one, from an earlier training
            AcceleratorState._reset_state()
            accelerator = Accelerator(mixed_precision=precision, kwargs_handlers=[unused])
    if precision == "fp16" and accelerator.device.type == "cpu":
        raise ConfigError(
            "Precision 'float16' needs a GPU, and there is none; use 'bfloat16' or 'float32'."
        )
    return accelerator
