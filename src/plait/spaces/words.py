"""Classes that were never learned, by the words of a space (zero-shot)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import ConfigError, TableError
from plait.evaluate.sides import Vectors
from plait.progress import Progress
from plait.spaces.parts import SpaceParts
from plait.spaces.reading import SpaceReader
from plait.tasks.align import Align


def words_of(space: SpaceParts) -> str:
    """Return the group that is a column of text.

    Raises:
        ConfigError: when there is none.
    """
    for name, own in space.groups.items():
        if len(own) == 1 and own[0].kind == "text":
            return name
    raise ConfigError(
        f"No group is a single column of text, so labels cannot be written; the groups are "
        f"{list(space.groups)}."
    )


def probabilities(
    space: SpaceReader,
    table: Table,
    labels: Sequence[str],
    templates: Sequence[str],
    progress: Progress | None,
    ledger: Ledger,
) -> np.ndarray:
    """Return (n c) probabilities of labels; see `Space.classify`."""
    words = words_of(space)
    for template in templates:
        if "{}" not in template:
            raise ConfigError(f"Template {template!r} has no {{}} for the label to stand in.")
    others = [name for name, own in space.groups.items() if name != words and any(
        column.stored in table for source in own for column in source.columns)]  # fmt: skip
    if not others:
        raise TableError(
            f"The table has none of the columns that words can be matched with; it has "
            f"{table.columns}, the space reads {[n for n in space.groups if n != words]}."
        )
    asked = {words: [t.replace("{}", label) for label in labels for t in templates]}
    told = space.side(asked, words, progress, Ledger())
    seen = space.side(table, others[0], progress, ledger)
    if isinstance(told, Vectors):
        means = told.values.reshape(len(labels), len(templates), -1).mean(axis=1)
        told = Vectors(means / np.linalg.norm(means, axis=1, keepdims=True))
    task = space.network.task
    assert isinstance(task, Align)
    found = seen.scores(told).reshape(len(table), len(labels), -1).mean(axis=2)  # type: ignore[arg-type]
    scores = task.scale().item() * np.where(seen.missing[:, None], np.nan, found)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))
