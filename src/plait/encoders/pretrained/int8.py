"""int8: products of 8-bit integers, with ranges learned from a sample of the user's own rows.

Static quantisation after training, by NNCF over OpenVINO's graph of a tower, with SmoothQuant (Xiao
et al., ICML 2023). Layers that narrow, as the second of each feed-forward network, stay in
bfloat16: a few of their inputs are so large that 8 bits leave nothing for the others. On a MiniLM
they alone cost two thirds of what is lost to float32, and hold a third of the work.

A calibrated graph is kept in the cache of features, under a hash of itself, and a fitted model
holds the hash: it predicts by the same integers as long as the graph is there. The graph is no part
of the model's folder, which names networks and does not copy them; and calibrating again
elsewhere, from other rows or by another version of the libraries, would give other vectors without
a word. So where the graph is gone the network runs in float32, with which the graph agreed to the
figure that the model holds, and this is said.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.encoders.pretrained.runtime import Run, import_openvino, runner
from plait.encoders.pretrained.weights import quiet
from plait.errors import MissingExtraError
from plait.layers import has_bfloat16
from plait.memory import given_back

Graph = tuple[np.ndarray, np.ndarray]
"""A calibrated network: the bytes of OpenVINO's description of it, and of its weights."""

LARGEST = 900_000_000
"""Bytes of a graph that is kept; SQLite takes no value of more than a billion."""

NARROWS = 1.5
"""Times as many inputs as outputs from which on a layer is not quantised."""

SMOOTHING = 0.75
"""How much of the outliers of activations SmoothQuant moves into the weights, 0 to 1."""


def has_int8() -> bool:
    """Return whether int8 can be had here: the processor multiplies in it, NNCF is installed."""
    from importlib.util import find_spec

    check: Any = getattr(torch.cpu, "_is_vnni_supported", None)
    found = all(find_spec(name) is not None for name in ("openvino", "nncf"))
    return found and bool(check and check())


def require_int8() -> None:
    """Do nothing where int8 can be had.

    Raises:
        MissingExtraError: when OpenVINO or NNCF is missing.
    """
    try:
        import_openvino()
        import nncf  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "precision='int8' needs OpenVINO and NNCF: pip install 'plait[int8]'"
        ) from error


def calibrated(model: Any, rows: Sequence[tuple[Tensor, ...]]) -> Graph | None:
    """Return a network in int8; None where that is not possible.

    Args:
        model: as OpenVINO has it.
        rows: inputs that the ranges of numbers inside are learned from.

    Raises:
        MissingExtraError: when OpenVINO or NNCF is missing.
    """
    require_int8()
    import nncf
    from nncf.common.logging import nncf_logger

    names = [port.get_any_name() for port in model.inputs]
    inputs = [
        dict(zip(names, (own.numpy() for own in row), strict=True)) for row in rows
    ]  # fmt: skip
    nncf_logger.setLevel(logging.ERROR)
    try:
        with given_back(), quiet(), torch.no_grad(), redirect_stdout(io.StringIO()):  # it draws
            quantised = nncf.quantize(
                model.clone(),
                nncf.Dataset(inputs),
                subset_size=len(inputs),
                model_type=nncf.ModelType.TRANSFORMER,
                ignored_scope=nncf.IgnoredScope(names=narrowing(model), validate=False),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=SMOOTHING)
                ),
            )
            graph = _written(quantised)
    except Exception:  # operations that it does not know
        return None
    return graph if sum(part.nbytes for part in graph) <= LARGEST else None


def narrowing(model: Any) -> list[str]:
    """Return the layers of a network that have many more inputs than outputs."""
    found = []
    for operation in model.get_ordered_ops():
        kind = operation.get_type_name()
        weight = _weight(operation) if kind in ("MatMul", "Convolution") else None
        if weight is None:
            continue
        outputs, inputs = weight[:2]
        if kind == "MatMul" and not operation.get_attributes().get("transpose_b"):
            outputs, inputs = inputs, outputs
        if inputs >= NARROWS * outputs:
            found.append(str(operation.get_friendly_name()))
    return found


def _weight(operation: Any) -> tuple[int, ...] | None:
    """Return the shape of a layer's weight; None where it multiplies two activations."""
    node = operation.input_value(1).get_node()
    while node.get_type_name() in ("Convert", "Reshape"):
        node = node.input_value(0).get_node()
    shape = tuple(node.get_output_shape(0)) if node.get_type_name() == "Constant" else ()
    return shape if len(shape) > 1 else None


def _written(model: Any) -> Graph:
    openvino = import_openvino()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        files = (path.read_bytes(), path.with_suffix(".bin").read_bytes())
    description, weights = (np.frombuffer(content, np.uint8) for content in files)
    return description, weights


def name_of(graph: Graph) -> str:
    """Return a hash of a graph."""
    digest = hashlib.blake2b(digest_size=12)
    for part in graph:
        digest.update(part.data)
    return digest.hexdigest()


def opened(graph: Graph) -> Run:
    """Return a graph compiled for this processor.

    Raises:
        MissingExtraError: when OpenVINO is missing.
    """
    require_int8()
    description, weights = graph
    with given_back():
        model = import_openvino().Core().read_model(description.tobytes(), weights.tobytes())
        return runner(model, "bfloat16" if has_bfloat16() else "float32")
