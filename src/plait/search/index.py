"""An index: rows that are found by what they are like, by their words, and by filters."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from plait.data.read_as import read_as
from plait.errors import ConfigError, ModelError, TableError
from plait.progress import Progress
from plait.search.ask import Ask, Mode, answer
from plait.search.duplicates import alike
from plait.search.facts import Facts
from plait.search.found import Found
from plait.search.kept_space import fetch, fingerprint_of, home_of
from plait.search.query import Query
from plait.search.rows import batches, require_columns
from plait.search.sidecar import Measured, make, newest
from plait.search.snapshot import MOST_CHANGED, Snapshot, snapshot
from plait.search.store import Store, Version
from plait.spaces.space import Space


class Index:
    """A table's rows with the vectors that a space makes of them, on disk, to be searched.

    Rows, words and filters are LanceDB's; vectors are searched by an engine beside them that is
    made from the committed rows, and follows whatever other processes commit.

    Args:
        store: the committed rows.
        space: that made the vectors; None reads the one that the index keeps.
        progress: where to show work and say what is to be known.
    """

    def __init__(
        self,
        store: Store,
        space: Space | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.store, self.progress = store, progress or Progress()
        self.facts: Facts = store.facts
        self.space = space or fetch(store.uri, self.facts.made, self.facts.fingerprint)
        self.has_words = False
        self._snapshot: Snapshot | None = None
        self.refresh()

    @classmethod
    def open(cls, uri: str | Path, progress: Progress | None = None) -> Index:
        """Open what `plait.index` wrote, of any size, without reading it whole.

        Raises:
            ModelError: when there is none, it is damaged, or its space has changed.
        """
        return cls(Store.open(str(uri)), progress=progress)

    def __repr__(self) -> str:
        """Return its place and size."""
        return f"Index({self.store.uri!r}, {len(self):,} rows, version {self.version})"

    def __len__(self) -> int:
        return len(self.store)

    @property
    def version(self) -> int:
        """The newest version."""
        return self.store.version

    @property
    def measured(self) -> Measured:
        """The engine, its recall on the index's own vectors, and what it was made of."""
        return self.refresh().base.measured

    @property
    def missing(self) -> int:
        """Rows without a vector: found by words and filters, never by what they are like."""
        return self.store.missing

    def refresh(self) -> Snapshot:
        """Return the vectors of the newest version, made again where much has changed."""
        version, now = self.store.version, self._snapshot
        if now is not None and now.version == version:
            return now
        made = self.facts.made
        self._follow()
        base = now.base if now is not None and self.facts.made == made else None
        home = home_of(self.store.uri, self.facts.made)
        if base is None or base.measured.fingerprint != self.facts.fingerprint:
            base = newest(home, self.facts.fingerprint)
        found = None if base is None else snapshot(self.store, base, version)
        while found is None:  # others may write while the vectors are read
            base, kept = make(self.store, home)
            if not kept:
                self._say(f"{home} cannot be written in: the vectors of {self.store.uri} are kept "
                          "in a temporary folder until this process ends.")  # fmt: skip
            version = base.measured.version
            found = snapshot(self.store, base, version)
        self._snapshot = found
        return found

    def _follow(self) -> None:
        """Take over what another process may have changed: the space, and the index of words."""
        facts = self.store.facts
        if facts.fingerprint != self.facts.fingerprint:
            self.space = fetch(self.store.uri, facts.made, facts.fingerprint)
        self.facts = facts
        try:
            self.has_words = self.store.index_text()
        except ModelError as error:  # a disk that cannot be written, or another process's turn
            self.has_words = False
            self._say(f"Words cannot be searched for now: {error}")

    def _say(self, words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    def search(
        self,
        query: str | Query | None = None,
        *,
        image: Any = None,
        sound: Any = None,
        like: int | None = None,
        unlike: str | None = None,
        where: str | None = None,
        k: int = 10,
        page: int = 1,
        mode: Mode = "hybrid",
        diverse: float = 0.0,
        rerank: bool = False,
        facets: Sequence[str] = (),
    ) -> Found:
        """Find the rows that are nearest to what is asked for.

        Args:
            query: words, or a `Query` with weights.
            image: a picture to find like ones of: a path, bytes, an array, or a PIL image.
            sound: a sound, likewise.
            like: number of a row of the index to find others like.
            unlike: words for what is not wanted.
            where: a condition on columns in SQL, `price < 50 and brand = 'X'`.
            k: results a page.
            page: from 1; pages end with the first 1,000 rows.
            mode: `vector`, `text` (BM25), or `hybrid`: both orders joined by reciprocal ranks.
            diverse: 0..1, how much being unlike those before counts (maximal marginal relevance).
            rerank: order the best 100 by late interaction of tokens; needs a space of FILIP.
            facets: columns whose values are counted.

        Raises:
            ConfigError: when nothing is asked for, in a modality that the space does not read, or
                by a filter that is none.
            ColumnError: when a filter or facet names a column that is not there.
            ModelError: when the row to find others like is not there.
        """
        whole = Query.text(query) if isinstance(query, str) else query or Query()
        whole += Query() if image is None else Query.image(image)
        whole += Query() if sound is None else Query.sound(sound)
        whole += Query() if like is None else Query.like(like)
        whole -= Query() if unlike is None else Query.text(unlike)
        ask = Ask(where, k, page, mode, diverse, rerank, tuple(facets))
        snapshot = self.refresh()
        return answer(self.store, self.facts, self.space, snapshot, whole, ask, self.has_words)

    def add(self, table: Any, space: Space | None = None) -> int:
        """Commit a table's rows as one version, and return how many rows have no vector.

        With a key, rows take the place of those with the same key.

        Args:
            table: anything that `plait.read` takes.
            space: refused unless it is the one that made the vectors of the index.

        Raises:
            ModelError: when the space is another, or another writer was faster.
            TableError: when the table has a column that the index does not have, or lacks its key.
        """
        table = read_as(table, self.space.sources)
        if not len(table):
            raise TableError("The table has no rows to add.")
        if space is not None and (mark := fingerprint_of(space)) != self.facts.fingerprint:
            raise ModelError(
                f"The vectors of {self.store.uri!r} are of space {self.facts.fingerprint}, and "
                f"this is {mark}: they cannot be compared. Add with the space of the index, or "
                "build the index again."
            )
        require_columns(table, self.facts)
        before = self.missing
        rows = batches(table, self.space, self.facts, self.store.schema, self.progress)
        self.store.add(rows)
        if self.store.apart > MOST_CHANGED * len(self):
            with suppress(ModelError):  # another process is writing; the rows are in all the same
                self.store.compact()
        self.refresh()
        return self.missing - before

    def remove(self, where: str) -> int:
        """Remove the rows that a filter names, as a version of its own; return how many.

        Raises:
            ColumnError: when it names a column that is not there.
            ConfigError: when it is no filter.
        """
        count = self.store.remove(where)
        self.refresh()
        return count

    def history(self) -> list[Version]:
        """Return all versions that can be gone back to, the oldest first."""
        return self.store.history()

    def restore(self, version: int) -> None:
        """Go back to an older version, which becomes the newest; nothing is lost.

        Raises:
            ModelError: when it is not there.
        """
        self.store.restore(version)
        self.refresh()

    def compact(self, keep_days: float | None = None) -> None:
        """Write small pieces together, for speed and size.

        Args:
            keep_days: age up to which versions can be gone back to; None keeps all.

        Raises:
            ConfigError: when it is under 0.
        """
        if keep_days is not None and keep_days < 0:
            raise ConfigError(f"Days to keep must be 0 or more, found {keep_days}.")
        self.store.compact(None if keep_days is None else timedelta(days=keep_days))
        self.refresh()

    def duplicates(self, least: float = 0.98) -> list[list[int]]:
        """Return groups of rows that are nearly the same, the largest first.

        Args:
            least: cosine, 0..1, from which two rows are alike; chains of alike rows are one group.

        Raises:
            ConfigError: when it is outside 0..1.
        """
        if not 0 <= least <= 1:
            raise ConfigError(f"The least cosine must be between 0 and 1, found {least}.")
        now = self.refresh()
        if now.alive is not None or len(now.fresh):
            base, _ = make(self.store, home_of(self.store.uri, self.facts.made))
            return alike(base, least)
        return alike(now.base, least)
