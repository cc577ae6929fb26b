"""Checkpoints: all that a training is in the middle of, in one file without pickle.

Random numbers are part of it, so a training that was killed goes on to the same weights to the bit.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plait.chance import is_seeded
from plait.network import Network
from plait.train.config import TrainConfig
from plait.train.optimise import Average, optimiser_of, put_weights, weights_of
from plait.writing import replacing

SECONDS = 30.0
"""Between two checkpoints, at least: short trainings write none."""


@dataclass
class Course:
    """All that changes while a network learns.

    Attributes:
        network: that learns.
        epochs: passes that are planned.
        steps: of an epoch.
        generators: of the order of rows (`shuffle`), of what is hidden (`hide`), and of dropout
            (`drop`).
        config: settings.
        epoch: that is under way, from 0.
        step: of the epoch, that comes next.
        order: of the rows in this epoch.
        total: sum of the losses of this epoch's rows so far.
        parts: that a step is computed in.
        training: mean loss of each epoch that is done.
        validation: cost of each epoch that is done; lower is better.
        best: the weights that were best so far.
        best_epoch: and their epoch.
        lowest: and their cost.
    """

    network: Network
    epochs: int
    steps: int
    generators: dict[str, torch.Generator]
    config: TrainConfig
    epoch: int = 0
    step: int = 0
    order: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    total: float = 0.0
    parts: int = 1
    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    lowest: float = float("inf")

    def __post_init__(self) -> None:
        self.optimiser, self.schedule = optimiser_of(
            self.network, self.config, self.epochs * self.steps
        )
        self.average = Average(self.network, self.config.average)
        self.parts = self.config.accumulate
        self.best = self.best or weights_of(self.network)


SCALARS = ("epoch", "step", "total", "parts", "training", "validation", "best_epoch", "lowest")


class Checkpoint:
    """The file of one training; without a path, nothing.

    Args:
        path: of the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path, self.last = path, time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last one is long enough ago."""
        return self.path is not None and time.monotonic() - self.last >= SECONDS

    def write(self, course: Course) -> None:
        """Keep all that is under way."""
        from safetensors.torch import save_file

        if self.path is None:
            return
        optimiser = course.optimiser.state_dict()
        tensors = {
            **_with("network", weights_of(course.network)),
            **_with("best", course.best),
            **_with("average", course.average.values),
            **{
                f"optimiser.{number}.{key}": value
                for number, state in optimiser["state"].items()
                for key, value in state.items()
            },
            **{f"random.{name}": state for name, state in _random(course).items()},
            "order": course.order,
        }
        facts = {name: getattr(course, name) for name in SCALARS}
        facts |= {
            "groups": optimiser["param_groups"],
            "schedule": _plain(course.schedule.state_dict()),
            "averaged": course.average.steps,
        }
        with replacing(self.path) as partial:
            tensors = {name: value.contiguous() for name, value in tensors.items()}
            save_file(tensors, partial, {"course": json.dumps(facts)})
        self.last = time.monotonic()

    def read(self, course: Course) -> bool:
        """Bring a course to where it was; False where there is nothing to go on from."""
        from safetensors import safe_open

        if self.path is None or not self.path.is_file():
            return False
        with safe_open(self.path, framework="pt") as file:
            facts = json.loads(file.metadata()["course"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for name in SCALARS:
            setattr(course, name, facts[name])
        course.order = tensors["order"]
        put_weights(course.network, _of("network", tensors))
        course.best = _of("best", tensors)
        course.average.values, course.average.steps = _of("average", tensors), facts["averaged"]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _of("optimiser", tensors).items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = value
        course.optimiser.load_state_dict({"state": state, "param_groups": facts["groups"]})
        course.schedule.load_state_dict(facts["schedule"])
        _set_random(course, _of("random", tensors))
        return True


def _random(course: Course) -> dict[str, Tensor]:
    states = {name: generator.get_state() for name, generator in course.generators.items()}
    states["torch"] = torch.get_rng_state()
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _set_random(course: Course, states: dict[str, Tensor]) -> None:
    for name, generator in course.generators.items():
        if name in states:  # a checkpoint of before has no `drop`
            generator.set_state(states[name])
    if is_seeded():  # else it is other people's, and nothing is drawn from it
        torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a schedule; its function of the step comes from the settings."""
    return {key: value for key, value in state.items() if key != "lr_lambdas"} | {
        "lr_lambdas": [None]
    }


def _with(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _of(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {name[len(start) :]: v for name, v in tensors.items() if name.startswith(start)}
