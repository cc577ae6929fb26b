"""A recommender: what users would choose next, of items that they know and new ones; save, load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.config import from_json, to_json
from plait.data.interactions import Interactions
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.table import Table
from plait.encoders.encoder import Encoder
from plait.errors import ColumnError, ConfigError
from plait.evaluate.recommend import Moments
from plait.folder import new_folder, put_states, read_schema, read_states, under, write_states
from plait.layers import one_thread
from plait.network import Network
from plait.progress import Progress
from plait.recommendation.asking import (
    CHOSEN,
    Asking,
    by_keys,
    is_keys,
    keys_of_rows,
    of_table,
    taken,
)
from plait.recommendation.card import card
from plait.recommendation.config import RecommendConfig
from plait.recommendation.sides import (
    ITEM,
    Side,
    encode_side,
    network_of,
    rows_of,
    tower_of,
    vectors_of,
)
from plait.types import Features


@dataclass(frozen=True)
class Recommendation:
    """An item for a user.

    Attributes:
        user: his key, or the number of his row where the table has no keys.
        item: its key.
        score: the cosine of their vectors.
    """

    user: str
    item: str
    score: float


@dataclass(frozen=True)
class Recommender:
    """What `recommend` learned.

    Attributes:
        users: what is read of users.
        items: what is read of items.
        encoders: frozen ones, by side and source.
        known: Features of the users who were learned from, by source.
        network: the towers.
        interactions: what was chosen, by whom, and when.
        config: all settings.
        facts: plain JSON: the board, data fingerprint, versions.
        ledger: what could not be read while learning.
    """

    users: Side
    items: Side
    encoders: Mapping[str, Mapping[str, Encoder]]
    known: Mapping[str, Features]
    network: Network
    interactions: Interactions
    config: RecommendConfig
    facts: dict[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger, repr=False)

    def recommend(
        self,
        users: Any,
        k: int = 10,
        *,
        items: Any = None,
        ledger: Ledger | None = None,
        progress: Progress | None = None,
    ) -> list[Recommendation]:
        """Return the k items for each user that he has not chosen yet, the best first.

        Args:
            users: the key of a user, or a list of them; or a table, as `plait.read` takes it, with
                columns of the table of users. Rows with a known key have their history; a column
                `history` names items that a row's user chose before, `"7|12"` or a list.
            k: items a user.
            items: a table with columns of the table of items, new ones among them: only these are
                searched; None searches those that were learned from.
            ledger: is told what cannot be read of these tables.
            progress: where to show it.

        Raises:
            ColumnError: when the table of users or of items has none of the columns that are read.
            ConfigError: for a k below 1.
            TableError: for the key of a user who is not known.
        """
        if k < 1:
            raise ConfigError(f"k must be at least 1, found {k}: it is the number of items a user.")
        progress = progress or Progress()
        ledger = Ledger() if ledger is None else ledger
        asking = self._asking(users, ledger, progress)
        keys, vectors = self._searched(items, ledger, progress)
        scores = self._user_vectors(asking.features, asking.histories) @ vectors.T
        places = {key: place for place, key in enumerate(keys)}
        found = []
        for name, history, own in zip(asking.names, asking.histories, scores, strict=True):
            before = {self.interactions.items[item] for item in history.tolist()}
            own[[places[key] for key in before if key in places]] = -np.inf
            order = np.argsort(-own, kind="stable")[:k]
            found += [Recommendation(name, keys[i], float(own[i])) for i in order.tolist()
                      if np.isfinite(own[i])]  # fmt: skip
        return found

    def scores(self, moments: Moments) -> np.ndarray:
        """Return (q n) cosines of users at moments with all items that were learned from."""
        asking = self._user_vectors(taken(self.known, moments.user), moments.before)
        return asking @ self._item_vectors(list(range(len(self.interactions.items)))).T

    def _asking(self, users: Any, ledger: Ledger, progress: Progress) -> Asking:
        """Return who asks."""
        if is_keys(users, self.interactions):
            return by_keys(users, self.known, self.interactions)
        table = read(users)
        self._require_columns(self.users, table, (CHOSEN, self.users.key))
        ledger.add_table(table)
        features = encode_side(self.users, table, self.encoders["user"], None, self.config,
                               ledger, progress)  # fmt: skip
        return of_table(table, self.users.key, features, self.interactions, ledger)

    def _searched(
        self, items: Any, ledger: Ledger, progress: Progress
    ) -> tuple[Sequence[str], np.ndarray]:
        """Return the keys and the (n d) vectors of the items that are searched."""
        if items is None:
            known = len(self.interactions.items)
            return self.interactions.items, self._item_vectors(list(range(known)))
        table = read(items)
        self._require_columns(self.items, table, ())
        ledger.add_table(table)
        content = encode_side(self.items, table, self.encoders["item"], None, self.config,
                              ledger, progress)  # fmt: skip
        keys = keys_of_rows(table, self.items.key)
        numbers = {key: n for n, key in enumerate(self.interactions.items)}
        vectors = self._content_vectors(content)
        old = [row for row, key in enumerate(keys) if key in numbers]
        if old:
            vectors[old] = self._item_vectors([numbers[keys[row]] for row in old])
        return keys, vectors

    def _require_columns(self, side: Side, table: Table, more: Sequence[str]) -> None:
        read_of = [column.stored for source in side.sources for column in source.columns]
        if not any(name in table for name in (*read_of, *more)):
            raise ColumnError(
                f"The table has none of the columns {[*read_of, *more]} that are read of "
                f"{side.column!r}; it has {table.columns}."
            )

    @one_thread()
    def _user_vectors(
        self, features: Mapping[str, Features], histories: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Return (b d) vectors of length 1."""
        rows = rows_of(self.network, features, histories, [None] * len(histories))
        return vectors_of(self.network, rows)[:, 0]

    @one_thread()
    def _item_vectors(self, numbers: Sequence[int]) -> np.ndarray:
        """Return (b d) vectors of length 1 of items that were learned from."""
        nobody = [None] * len(numbers)
        rows = rows_of(self.network, self._no_users(len(numbers)), nobody, numbers)
        return vectors_of(self.network, rows)[:, 1]

    @one_thread()
    @torch.no_grad()
    def _content_vectors(self, content: Mapping[str, Features]) -> np.ndarray:
        """Return (b d) vectors of length 1 of items by their content."""
        self.network.eval()
        vectors = tower_of(self.network).of(content, None)
        nobody = [None] * len(vectors)
        rows = rows_of(self.network, self._no_users(len(vectors)), nobody, nobody)
        return vectors_of(self.network, {**rows, ITEM: Features.of_vectors(vectors)})[:, 1]

    def _no_users(self, count: int) -> dict[str, Features]:
        nobody = torch.zeros(count, dtype=torch.bool)
        return {name: Features.from_pooled(torch.zeros(count, part.width), nobody)
                for name, part in self.known.items()}  # fmt: skip

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the recommender as a folder of JSON and safetensors, under another name first.

        Raises:
            ModelError: when something is there and may not be replaced.
        """
        sides = {"user": self.users, "item": self.items}
        document = {
            **{name: to_json(side) for name, side in sides.items()},
            "widths": {
                "user": {name: part.width for name, part in self.known.items()},
                "item": {n: w for n, w in tower_of(self.network).fusion.widths.items()
                         if n in self.encoders["item"]},
            },
            "config": to_json(self.config),
            "facts": self.facts,
        }  # fmt: skip
        own = self.interactions
        states: dict[str, Mapping[str, Any]] = {
            "network": self.network.state_dict(),
            "chosen": {name: torch.from_numpy(getattr(own, name)) for name in
                       ("user", "item", "time")},
            "keys": {"users_extra_state": own.users, "items_extra_state": own.items,
                     "facts_extra_state": own.facts},
        }  # fmt: skip
        for side, encoders in self.encoders.items():
            states |= {f"{side}/{name}": e.state_dict() for name, e in encoders.items()}
        for name, part in self.known.items():
            states[f"known/{name}"] = {"pooled": part.pooled, "present": part.present}
        with new_folder(folder, overwrite) as partial:
            write_states(partial, "recommender", document, states)
            text = card((self.users, self.items), len(own), self.facts)
            (partial / "README.md").write_text(text, encoding="utf-8")
            if len(self.ledger):
                self.ledger.write(partial / "skipped.csv")
        return Path(folder)

    @staticmethod
    def load(folder: str | Path) -> Recommender:
        """Read what `save` wrote.

        Raises:
            ModelError: when it is no recommender, or damaged.
        """
        document, stored = read_states(folder, "recommender")
        config = from_json(RecommendConfig, document["config"])
        sides, encoders = {}, {}
        for side in ("user", "item"):
            values = document[side]
            sides[side] = Side(values["column"], values["key"], read_schema(values["schema"]))
            encoders[side] = sides[side].built(config.encoders)
            put_states(encoders[side], stored, side)
        chosen, keys = under(stored, "chosen/"), under(stored, "keys/")
        interactions = Interactions(
            chosen["user"].numpy(), chosen["item"].numpy(), chosen["time"].numpy(),
            tuple(keys["users_extra_state"]), tuple(keys["items_extra_state"]),
            keys["facts_extra_state"],
        )  # fmt: skip
        widths = document["widths"]
        blank = torch.zeros(len(interactions.items))
        network = network_of(widths["user"], widths["item"], blank, config)
        network.load_state_dict(under(stored, "network/"))
        known = {}
        for name in widths["user"]:
            part = under(stored, f"known/{name}/")
            known[name] = Features.from_pooled(part["pooled"], part["present"])
        return Recommender(sides["user"], sides["item"], encoders, known, network.eval(),
                           interactions, config, document["facts"])  # fmt: skip
