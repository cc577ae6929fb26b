"""How a network is run: by torch as it is, or compiled for the processor by OpenVINO.

OpenVINO is taken where it is installed and a table is long enough to pay for compiling. Lower
precisions are taken where the processor has them and the vectors of the user's own data stay what
they were in float32.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from plait.encoders.pretrained.config import Precision
from plait.encoders.pretrained.weights import quiet

WORTH = 400
"""Rows of a table from which on compiling, and looking for a precision, pay."""

AGREEMENT = 0.999
"""Mean cosine with the vectors of float32 that a lower precision must reach."""

Run = Callable[..., tuple[Tensor, Tensor]]
"""From the inputs of a tower to its vectors and hidden states."""


def import_openvino() -> Any:
    """Return OpenVINO, which sends nothing about this machine anywhere.

    Without a word from the user it would report its use to its makers, and so would NNCF; both do
    without the package that does this.

    Raises:
        ImportError: when it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def converted(tower: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """Return a tower as OpenVINO's model; None where that cannot be, so that torch runs it.

    Args:
        tower: from tensors to (pooled, hidden).
        inputs: an example; other sizes of batches and lengths of texts are taken too.
    """
    try:
        openvino = import_openvino()
    except ImportError:
        return None
    try:
        with quiet(), torch.no_grad():
            return openvino.convert_model(tower, example_input=inputs)
    except Exception:  # operations that it does not have; torch has them all
        return None


def runner(model: Any, precision: Precision) -> Run:
    """Return a model of OpenVINO compiled for this processor.

    Args:
        model: from tensors to (pooled, hidden).
        precision: of the sums inside that are not of integers.
    """
    hint = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32"}
    network = import_openvino().Core().compile_model(model, "CPU", hint)

    def run(*values: Tensor) -> tuple[Tensor, Tensor]:
        found = network([value.numpy() for value in values])
        return torch.from_numpy(found[0].copy()), torch.from_numpy(found[1].copy())

    return run


def compiled(model: Any, precision: Precision) -> Run | None:
    """Return what `runner` does; None where there is no model or the processor cannot run it."""
    try:
        return None if model is None else runner(model, precision)
    except Exception:  # operations that its plug-in for processors does not have
        return None


def agreement(one: Tensor, other: Tensor) -> float:
    """Return the mean cosine of (n d) vectors with others of the same values."""
    return float(torch.nn.functional.cosine_similarity(one.float(), other.float()).mean())
