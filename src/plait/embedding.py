"""Rows to vectors of a frozen network: each content once, read ahead, in batches of like length."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from plait.data.content import content
from plait.data.loader import Reader, Source, blocks
from plait.data.spool import Spool
from plait.encoders.pretrained.encoder import Pretrained, Vectors
from plait.encoders.pretrained.runtime import WORTH
from plait.layers import threads
from plait.precision import sampled, settle
from plait.store import Store, keys_of

BLOCK = 512
"""Rows whose values are sorted by length together, and that are read ahead."""

A_TASK = 64
"""Rows that one thread hashes at a time: handing them over one by one takes longer than hashing."""


def embed_rows(
    reader: Reader,
    source: Source,
    encoder: Pretrained,
    store: Store | None,
    advance: Callable[[int], None],
) -> Spool:
    """Return the vectors of every row, from the store or from the network.

    Args:
        reader: of the table.
        source: what is read.
        encoder: that reads it.
        store: where vectors are kept; None computes all of them.
        advance: is told the number of rows done.
    """
    spool = Spool()
    encoder.compiles = len(reader.table) >= WORTH
    looked_at = (content(reader, source, int(row)) for row in sampled(len(reader.table)))
    settle(reader, source, encoder, store, looked_at)
    identity = encoder.identity
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(blocks(range(len(reader.table)), BLOCK))
        ahead = (_Block(pool, reader, source, encoder, store, identity, own) for own in rows)
        for block in _one_ahead(ahead):
            found = block.vectors()
            for key in block.keys:
                spool.append(None if key is None else found.get(key))
            advance(len(block.keys))
    return spool


def _one_ahead(items: Iterator[_Block]) -> Iterator[_Block]:
    """Yield each item after the next one was begun."""
    before: _Block | None = None
    for item in items:
        if before is not None:
            yield before
        before = item
    if before is not None:
        yield before


class _Block:
    """Some rows, whose unknown contents are being read and prepared in threads."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        reader: Reader,
        source: Source,
        encoder: Pretrained,
        store: Store | None,
        identity: str,
        rows: list[int],
    ) -> None:
        self.encoder, self.store = encoder, store

        def contents(part: list[int]) -> list[bytes | None]:
            return [content(reader, source, row) for row in part]

        found = pool.map(contents, blocks(rows, A_TASK))
        self.keys = keys_of((own for part in found for own in part), identity)
        distinct = list(dict.fromkeys(key for key in self.keys if key is not None))
        self.known = store.read(distinct) if store is not None else {}

        def prepare(value: Any) -> Any:
            return encoder.backbone.prepare(value)

        if any(key is not None and key not in self.known for key in self.keys):
            encoder.backbone  # noqa: B018  # loaded here, and not in every thread at once
        self.pending: dict[bytes, Future[Any]] = {}
        for key, row in zip(self.keys, rows, strict=True):
            if key is None:  # cannot be read: say why
                reader.sample(source, row, prepare)
            elif key not in self.known and key not in self.pending:
                self.pending[key] = pool.submit(reader.sample, source, row, prepare)
        self._repeated = [
            (key, row) for key, row in zip(self.keys, rows, strict=True) if key in self.pending
        ]
        self._again = lambda row: reader.sample(source, row, prepare)

    def vectors(self) -> dict[bytes, Vectors]:
        """Return the vectors by key, without those that cannot be read."""
        prepared = {key: future.result() for key, future in self.pending.items()}
        there = {key: sample for key, sample in prepared.items() if sample is not None}
        self._say_again(prepared)
        made: dict[bytes, Vectors] = {}
        for batch in self._batches(there):
            with threads(os.cpu_count() or 1):
                vectors = self.encoder.embed([there[key] for key in batch])
            made |= dict(zip(batch, vectors, strict=True))
        if self.store is not None:
            self.store.write(made)
        return {**self.known, **made}

    def _say_again(self, prepared: dict[bytes, Any]) -> None:
        """Note every row of a content that cannot be read, and not only the first."""
        seen = set()
        for key, row in self._repeated:
            if key in seen and prepared[key] is None:
                self._again(row)
            seen.add(key)

    def _batches(self, there: dict[bytes, Any]) -> Iterator[Sequence[bytes]]:
        if not there:  # the network is not even loaded
            return
        length, size = self.encoder.backbone.length, self.encoder.config.batch_size
        ordered = sorted(there, key=lambda key: -length(there[key]))
        for start in range(0, len(ordered), size):
            yield ordered[start : start + size]
