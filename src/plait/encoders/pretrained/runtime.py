"""How a network is run: by torch as it is, or compiled for the processor by OpenVINO.

OpenVINO is taken where it is installed and a table is long enough to pay for compiling. bfloat16 is
taken where the processor has it and the vectors of the user's own data stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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


def compiled(tower: nn.Module, inputs: tuple[Tensor, ...], precision: Precision) -> Run | None:
    """Return a tower compiled for this processor; None where it cannot be, so that torch runs it.

    Args:
        tower: from tensors to (pooled, hidden).
        inputs: an example; other sizes of batches and lengths of texts are taken too.
        precision: of the sums inside.
    """
    try:
        import openvino
    except ImportError:
        return None
    hint = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32"}
    try:
        with quiet(), torch.no_grad():
            model = openvino.convert_model(tower, example_input=inputs)
            network = openvino.Core().compile_model(model, "CPU", hint)
    except Exception:  # operations that it does not have; torch has them all
        return None

    def run(*values: Tensor) -> tuple[Tensor, Tensor]:
        found = network([value.numpy() for value in values])
        return torch.from_numpy(found[0].copy()), torch.from_numpy(found[1].copy())

    return run


@cache
def has_bfloat16() -> bool:
    """Return whether this processor multiplies in bfloat16 quicker than in float32."""
    check: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(check and check())


def agreement(one: Tensor, other: Tensor) -> float:
    """Return the mean cosine of (n d) vectors with others of the same values."""
    return float(torch.nn.functional.cosine_similarity(one.float(), other.float()).mean())
