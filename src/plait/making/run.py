"""A run of learning to make a column: what it needs, its facts, where it is kept meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.config import to_json
from plait.data.table import Table
from plait.ensemble.config import FitConfig
from plait.ensemble.journal import Journal
from plait.errors import TableError
from plait.fitting import fingerprint, versions
from plait.making.material import Material, Parted
from plait.train.record import Track


def require_parts(rows: int, parted: Parted) -> None:
    """Refuse a table of which nothing is left to learn from, or to judge.

    Raises:
        TableError: saying so.
    """
    learning, judged = len(parted.learning), len(parted.judged)
    if not learning or not judged:
        raise TableError(
            f"Of {rows} rows {learning} are left to learn from and {judged} to be judged; each "
            "needs one. Rows with a picture in common stay together: add rows, or name a split."
        )


def begin(
    table: Table,
    material: Material,
    config: FitConfig,
    split: str | None,
    own: dict[str, Any],
    journal: str | Path | None,
    track: Track | None,
) -> tuple[dict[str, Any], Journal]:
    """Return the facts of a run, and its journal.

    Args:
        table: as it was given.
        material: made of it.
        config: all settings.
        split: as in `plait.fit`.
        own: facts that each way of making a column has of its own.
        journal: folder in which what is under way is kept; None for none.
        track: is told of every epoch.

    Raises:
        ModelError: when the journal is of another run.
    """
    facts = {
        **own,
        "fingerprint": fingerprint(table),
        "skipped": dict(material.ledger.counts()),
        "versions": versions(),
    }
    run = {"columns": to_json(material.schema), "settings": to_json(config), "split": split}
    return facts, Journal(None if journal is None else Path(journal), facts | run, track)
