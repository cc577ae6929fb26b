"""Costly samples: each content of a column is prepared once, however many rows hold it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from plait.data.content import content
from plait.data.loader import Reader, Source, blocks
from plait.data.referred import Referred
from plait.data.spool import Spool
from plait.types import Sample


def prepare_once(
    reader: Reader,
    source: Source,
    preprocess: Callable[[Any], Sample],
    advance: Callable[[int], None],
) -> Referred:
    """Prepare what the rows hold, on all cores, into a file.

    Args:
        reader: of the table.
        source: what is read.
        preprocess: the encoder's; it must be safe in threads.
        advance: is told the number of rows done.
    """
    prepared, places = Spool(), np.full(len(reader.table), -1)
    known: dict[bytes | None, int] = {}

    def sample(row: int) -> Sample | None:
        return reader.sample(source, row, preprocess)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for block in blocks(range(len(reader.table))):
            keys = list(pool.map(lambda row: content(reader, source, row), block))
            new: dict[bytes, int] = {key: row for key, row in zip(keys, block, strict=True)
                   if key is not None and key not in known}  # fmt: skip
            for hashed, found in zip(new, pool.map(sample, new.values()), strict=True):
                known[hashed] = -1 if found is None else len(prepared)
                if found is not None:
                    prepared.append(found)
            tried = set(new.values())
            for key, row in zip(keys, block, strict=True):
                places[row] = known.get(key, -1)
                if places[row] < 0 and row not in tried:
                    sample(row)  # notes of each row what is wrong with it
            advance(len(block))
    return Referred(prepared, places)
