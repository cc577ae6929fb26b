"""The contract of a pretrained network: prepared values of one modality in, Features out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from plait.errors import ModelError
from plait.types import Features, Sample


class Backbone(nn.Module, ABC):
    """A network that was trained elsewhere, with the preparation that it was trained with.

    `kind` is the modality that it reads. What `prepare` makes are tuples of arrays.
    """

    kind: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    @abstractmethod
    def prepare(self, value: Any) -> Sample:
        """Return one decoded value ready for the network; safe to call from several threads."""

    def length(self, sample: Sample) -> int:
        """Return how long a prepared value is; those of like length share a batch."""
        return 0

    @abstractmethod
    def forward(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) prepared values, none of them missing.

        The pooled vector is the one that the model's authors define, (b p); tokens are the last
        hidden states, (b t d). p and d need not be equal.
        """


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
