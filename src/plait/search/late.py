"""Re-ranking by late interaction: every token of the query finds its best token of the row."""

from __future__ import annotations

import numpy as np
import torch

from plait.contrastive import late_cosines
from plait.data.table import Table
from plait.errors import ConfigError
from plait.search.facts import Facts
from plait.search.found import Order
from plait.search.query import Query, table_of
from plait.search.store import Store
from plait.spaces.space import Space
from plait.tasks.align import Align

RERANKED = 100
"""Rows that are read and encoded again, and ordered by their tokens."""


def late_order(store: Store, facts: Facts, space: Space, query: Query, order: Order) -> Order:
    """Return the best 100 rows by late interaction, and the others after them as they were.

    score(r) = sum over terms of weight * mean over the term's tokens of the largest cosine with a
    token of r (Yao et al., FILIP, ICLR 2022, equation 4). Rows are encoded again, from their cells.

    Args:
        store: the rows.
        facts: of the index.
        space: that learned by FILIP.
        query: what is sought.
        order: of the rows found.

    Raises:
        ConfigError: when the space did not learn by FILIP, or cells are not kept in the index.
    """
    task = space.network.task
    if not (isinstance(task, Align) and task.config.loss == "filip"):
        raise ConfigError(
            "Late interaction needs the tokens of a space that learned by FILIP (--loss filip); "
            "this one has one vector a row, by which the rows are in order already."
        )
    best = order.rows[:RERANKED]
    if not len(best):
        return order
    scores = torch.zeros(len(best))
    theirs = space.tokens(_table(store, facts, space, best), facts.group)
    for term in query.terms:
        if term.kind == "like":
            table, group = _table(store, facts, space, store.require(term.value)), facts.group
        else:
            table, group = table_of(space, term)
        own = space.tokens(table, group)
        scores += term.weight * late_cosines(own.tokens, own.mask, theirs.tokens, theirs.mask)[0]
    again = torch.argsort(-scores, stable=True).numpy()
    rest = order.rows[RERANKED:]
    # The rest keep their order, under the last that was read again.
    last = np.full(len(rest), float(scores.min()))
    rows = np.concatenate([best[again], rest])
    return Order(rows, np.concatenate([scores.numpy()[again], last]), "late interaction")


def _table(store: Store, facts: Facts, space: Space, rows: np.ndarray) -> Table:
    """Return the cells of rows that the group reads, as they were in their table."""
    columns = [c.stored for source in space.groups[facts.group] for c in source.columns]
    kept = [name for name in columns if name in store.schema.names]
    if len(kept) < len(columns):
        gone = sorted(set(columns) - set(kept))
        raise ConfigError(
            f"Column {gone[0]!r} is not kept in the index as plain cells, so its tokens cannot be "
            "read again; index a table that names files in it, or leave out rerank."
        )
    found = store.take(rows, kept)
    data = {name: found[name].to_pylist() for name in kept}
    return Table.of(data, facts.folder, facts.allow_outside)
