"""Which precision a frozen network computes in, chosen on a sample of the user's own rows.

Lower ones are tried, the quickest first, and the first is taken in which the vectors of the sample
agree with those of float32. What was found is kept with the vectors, under the sample: the
same table does not load the network to choose again. The last graph of int8 that a network was
calibrated to is tried before a new one is: a table that grew keeps its vectors, and the next table
does not wait for a calibration.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.encoders.pretrained.backbone import Towered
from plait.encoders.pretrained.config import Precision
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.int8 import Graph, has_int8, name_of
from plait.encoders.pretrained.runtime import AGREEMENT, WORTH, agreement
from plait.errors import ConfigError
from plait.layers import has_bfloat16, threads
from plait.store import Store, keys_of

LOWER: tuple[Precision, ...] = ("int8", "bfloat16")
"""Precisions below float32, the quickest first."""

TRIED = 32
"""Rows that a lower precision is tried on."""

CALIBRATED = 64
"""Other rows, that the ranges of int8 are learned from."""

INT8_WORTH = 5000
"""Rows of a table from which on calibrating int8, which takes 6 to 20 seconds, pays."""

LAST = b"last int8"
"""Under which the name of the graph is kept that a network was calibrated to last."""


def settle(
    reader: Reader,
    source: Source,
    encoder: Pretrained,
    store: Store | None,
    contents: Iterable[bytes | None],
) -> None:
    """Choose the precision of a network for a table, or find what it was fitted with.

    Args:
        reader: of the table.
        source: what the network reads.
        encoder: that holds it; takes the precision.
        store: where choices and calibrations are kept; None keeps none.
        contents: hashes of the cells of the rows `sampled` names, which are looked at no sooner
            than they are needed.

    Raises:
        MissingExtraError: when int8 is asked for and its libraries are missing.
    """
    if encoder.calibration:
        encoder.recall(encoder.graph or _kept_graph(store, encoder.calibration))
        return
    lower = _to_try(encoder, len(reader.table))
    if encoder.precision not in ("auto", "int8"):
        return
    if not lower:
        encoder.precision = "float32"
        return
    own = b"".join(content or b"-" for content in contents)
    key = _key(f"precision-{lower}".encode() + own, encoder.network)
    if store is None or not _read_choice(store, key, encoder, lower):
        known = _last_graph(store, encoder) if "int8" in lower else None
        _choose(reader, source, encoder, lower, known)
        if store is not None:
            _write_choice(store, key, encoder, lower)


def sampled(rows: int) -> np.ndarray:
    """Return the numbers of the rows that are looked at, of so many."""
    return np.unique(np.linspace(0, max(rows - 1, 0), TRIED + CALIBRATED).astype(int))


def _to_try(encoder: Pretrained, rows: int) -> tuple[Precision, ...]:
    """Return the precisions that are worth trying, the quickest first."""
    if encoder.precision == "int8":
        return ("int8",)
    if encoder.precision != "auto" or rows < WORTH:
        return ()
    worth: dict[Precision, bool] = {
        "int8": rows >= INT8_WORTH and encoder.config.cache and has_int8(),
        "bfloat16": has_bfloat16(),
    }
    return tuple(precision for precision in LOWER if worth[precision])


def _choose(
    reader: Reader,
    source: Source,
    encoder: Pretrained,
    lower: Sequence[Precision],
    known: Graph | None,
) -> None:
    quiet = Reader(reader.table, Ledger())  # what cannot be read is noted when its turn comes
    rows, backbone = sampled(len(reader.table)), encoder.backbone
    read = [quiet.sample(source, int(row), backbone.prepare) for row in rows]
    prepared = [sample for sample in read if sample is not None]
    with threads(os.cpu_count() or 1), torch.no_grad():
        choose(encoder, lower, prepared, known)


def choose(
    encoder: Pretrained,
    lower: Sequence[Precision],
    prepared: Sequence[Any],
    known: Graph | None = None,
) -> None:
    """Take the first precision in which vectors stay what they are in float32.

    Args:
        encoder: that takes it; what it was told to take it takes in any case.
        lower: precisions to try, in this order.
        prepared: values by the network's own preparation. A third is tried, the others calibrate.
        known: a graph of the network in int8, taken if vectors agree in it; else one is calibrated.
    """
    backbone, tried = encoder.backbone, prepared[::3]
    encoder.take("float32")
    if not isinstance(backbone, Towered) or not tried:
        return
    exact = backbone(tried).pooled

    def agrees(precision: Precision, graph: Graph | None) -> bool:
        backbone.set_precision(precision, tried, graph)
        encoder.agreements[precision] = agreement(backbone(tried).pooled, exact)
        return encoder.agreements[precision] >= AGREEMENT

    for precision in lower:
        graph = known if precision == "int8" else None
        fits = graph is not None and agrees(precision, graph)
        if precision == "int8" and not fits:
            graph = backbone.calibrate([s for n, s in enumerate(prepared) if n % 3] or tried)
            if graph is None:
                encoder.agreements.pop(precision, None)
                continue
        if fits or agrees(precision, graph) or encoder.config.precision == precision:
            if graph is None:
                encoder.take(precision, started=True)
            else:
                encoder.take(precision, name_of(graph), _at_hand(graph), started=True)
            return


def _read_choice(store: Store, key: bytes, encoder: Pretrained, lower: Sequence[Precision]) -> bool:
    """Take what was chosen before; return whether there was anything."""
    found = store.read([key]).get(key)
    if found is None:
        return False
    figures, name = found
    encoder.agreements = {
        precision: float(figure)
        for precision, figure in zip(lower, figures, strict=True)
        if not np.isnan(figure)
    }
    for precision in lower:
        wanted = encoder.config.precision == precision
        if wanted or encoder.agreements.get(precision, 0.0) >= AGREEMENT:
            calibration = name.tobytes().decode() if precision == "int8" else ""
            graph = _kept_graph(store, calibration) if calibration else None
            encoder.take(precision, calibration, graph)
            return precision != "int8" or graph is not None
    encoder.take("float32")
    return True


def _write_choice(
    store: Store, key: bytes, encoder: Pretrained, lower: Sequence[Precision]
) -> None:
    figures = np.array([encoder.agreements.get(precision, np.nan) for precision in lower])
    name = np.frombuffer(encoder.calibration.encode(), np.uint8)
    if encoder.graph is not None:
        store.write({_graph_key(encoder.calibration): encoder.graph()})
        store.write({_key(LAST, encoder.network): (name,)})
    store.write({key: (figures, name)})


def _at_hand(graph: Graph) -> Callable[[], Graph]:
    return lambda: graph


def _kept_graph(store: Store | None, name: str) -> Callable[[], Graph] | None:
    """Return what reads a graph from the store; None where it is not there.

    It is many megabytes, and where all vectors are in the store nothing runs it.
    """
    key = _graph_key(name)
    if store is None or not store.touch([key]):
        return None

    def read() -> Graph:
        found = _read_graph(store, name)
        if found is None:
            raise ConfigError(
                f"The int8 graph {name} was cleared from the cache while it was needed. Run the "
                "same again: it is then calibrated anew, or float32 takes its place."
            )
        return found

    return read


def _last_graph(store: Store | None, encoder: Pretrained) -> Graph | None:
    """Return the graph that a network was calibrated to last; None where there is none."""
    if store is None:
        return None
    last = _key(LAST, encoder.network)
    named = store.read([last]).get(last)
    return None if named is None else _read_graph(store, named[0].tobytes().decode())


def _read_graph(store: Store, name: str) -> Graph | None:
    key = _graph_key(name)
    found = store.read([key]).get(key)
    return None if found is None else (found[0], found[1])


def _graph_key(name: str) -> bytes:
    return _key(b"int8", name)


def _key(what: bytes, name: str) -> bytes:
    (key,) = keys_of([what], name)
    assert key is not None
    return key
