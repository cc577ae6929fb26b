"""The contract of a pretrained network: prepared values of one modality in, Features out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from plait.encoders.pretrained.config import Precision
from plait.encoders.pretrained.int8 import Graph, calibrated, opened
from plait.encoders.pretrained.runtime import Run, agreement, compiled, converted
from plait.errors import ModelError
from plait.types import Features, Sample

FAITHFUL = 0.99
"""Mean cosine with torch's vectors below which a compiled network is not the same one."""


class Backbone(nn.Module, ABC):
    """A network that was trained elsewhere, with the preparation that it was trained with.

    `kind` is the modality that it reads, `network` the model of transformers. What `prepare` makes
    are tuples of arrays.
    """

    kind: ClassVar[str]
    network: Any

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    @abstractmethod
    def prepare(self, value: Any) -> Sample:
        """Return one decoded value ready for the network; safe to call from several threads."""

    def length(self, sample: Sample) -> int:
        """Return how long a prepared value is; those of like length share a batch."""
        return 0

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Return the characters of a text that each token stands for; see `Encoder`."""
        return None

    @abstractmethod
    def forward(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) prepared values, none of them missing.

        The pooled vector is the one that the model's authors define, (b p); tokens are the last
        hidden states, (b t d). p and d need not be equal.
        """


class Towered(Backbone):
    """A backbone whose time goes into one tower, from tensors to vectors and hidden states.

    The tower can be compiled, and run in another precision.
    """

    tower: nn.Module
    compilable: bool = True
    """Whether what the tower does is the same for all values."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._compiled: Run | None = None
        self._model: Any = None
        self.precision: Precision = "float32"

    @abstractmethod
    def inputs(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """Return what the tower reads of (b) prepared values."""

    @abstractmethod
    def features(self, samples: Sequence[Sample], pooled: Tensor, hidden: Tensor) -> Features:
        """Return Features of (b) prepared values from what the tower made of them."""

    def forward(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) prepared values; see `Backbone`."""
        return self.features(samples, *self.run(*self.inputs(samples)))

    def run(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return (pooled, hidden) of the inputs, in the precision that is set."""
        if self._compiled is not None:
            return self._compiled(*inputs)
        half = self.precision == "bfloat16"
        # Not `enabled=half`, which would bring training in half precision back to float32.
        with torch.autocast("cpu", torch.bfloat16) if half else nullcontext():
            pooled, hidden = self.tower(*inputs)
        return pooled.float(), hidden.float()

    def set_precision(
        self,
        precision: Precision,
        samples: Sequence[Sample] = (),
        graph: Graph | None = None,
    ) -> None:
        """Run in another precision.

        Args:
            precision: of the sums inside.
            samples: some prepared values, as an example to compile for; none lets torch run it.
            graph: of int8, which it is run by.
        """
        self.precision = precision
        if graph is not None:
            self._compiled = opened(graph)
        else:
            self._compiled = self._compile(samples, precision) if samples else None

    def settle(self) -> None:
        """Let go of what only a further precision would be made from."""
        self._model = None

    def _compile(self, samples: Sequence[Sample], precision: Precision) -> Run | None:
        """Return the compiled tower; None where it cannot be, or makes other vectors than torch.

        Compiling follows one example. A network that takes another course for other values, or for
        batches of another size, is found out by three rows where two were the example.
        """
        three = self.inputs([samples[0], samples[-1], samples[0]])
        run = compiled(self._converted(samples), precision)
        if run is None or agreement(run(*three)[0], self.tower(*three)[0]) < FAITHFUL:
            return None
        return run

    def calibrate(self, samples: Sequence[Sample]) -> Graph | None:
        """Return the tower in int8, its ranges learned from prepared values; None if it cannot be.

        Raises:
            MissingExtraError: when OpenVINO or NNCF is missing.
        """
        model = self._converted(samples)
        rows = [self.inputs([sample]) for sample in samples]
        return None if model is None else calibrated(model, rows)

    def _converted(self, samples: Sequence[Sample]) -> Any:
        if self._model is None and self.compilable:
            self._model = converted(self.tower, self.inputs(samples[:2]))
        return self._model


def require_output(output: Any, name: str, folder: Path) -> Tensor:
    """Return one tensor of a network's output.

    Raises:
        ModelError: when it has none of that name.
    """
    found = getattr(output, name, None)
    if not isinstance(found, Tensor):
        raise ModelError(
            f"The model in {str(folder)!r} gives no {name}, so it is no encoder that can be used."
        )
    return found
