"""Choices: which rows are some, in the order of time; histories end strictly before their time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plait.data.interactions import Interactions, Positive, read_interactions
from plait.data.quality import Ledger
from plait.data.read import read
from plait.errors import CellError, ColumnError, ConfigError, TableError

ROWS: dict[str, list[Any]] = {
    "user": ["a", "b", "a", "a", "b", "a", "c", None, "b"],
    "item": ["x", "y", "y", "x", "x", "z", "z", "x", "y"],
    "stars": ["5", "4", "2", "4", "5", "4.5", "4", "5", "unknown"],
    "time": ["30", "20", "10", "40", "50", "30", "", "60", "70"],
}


def chosen(rows: dict[str, list[Any]], positive: str | None = None, **joins: Any) -> Interactions:
    sign = None if positive is None else Positive.parse(positive)
    return read_interactions(read(rows, join=joins), "user", "item", "time", sign, Ledger())


def pairs(found: Interactions) -> list[tuple[str, str, float]]:
    return [(found.users[u], found.items[i], t) for u, i, t in
            zip(found.user, found.item, found.time.tolist(), strict=True)]  # fmt: skip


def test_choices_in_the_order_of_time() -> None:
    found = chosen(ROWS, "stars >= 4")
    assert pairs(found) == [("b", "y", 20), ("a", "x", 30), ("a", "z", 30), ("b", "x", 50)]
    assert found.facts == {"rows": 9, "not positive": 1, "unusable": 3, "repeated": 1}


def test_of_a_pair_the_first_is_kept_and_all_are_choices_by_default() -> None:
    assert pairs(chosen(ROWS)) == [
        ("a", "y", 10), ("b", "y", 20), ("a", "x", 30), ("a", "z", 30), ("b", "x", 50),
    ]  # fmt: skip


def test_dates_are_times() -> None:
    days = ["2024-03-01", "2024-02-01T10:00:00", "2024-01-31"]
    found = chosen({"user": ["a"] * 3, "item": ["x", "y", "z"], "time": days})
    assert [found.items[i] for i in found.item] == ["z", "y", "x"]
    assert found.time[1] - found.time[0] == 34 * 3600


def test_users_and_items_of_joined_tables() -> None:
    users = {"user": ["c", "b", "a", "d"], "age": [1, 2, 3, 4]}
    found = chosen(ROWS, user=users, item={"item": ["y", "x"], "n": [1, 2]})
    assert found.users == ("c", "b", "a", "d")
    assert found.items == ("y", "x")
    assert ("a", "z", 30) not in pairs(found)


def test_what_cannot_be_used_is_told() -> None:
    ledger = Ledger()
    table = read(ROWS, join={"item": {"item": ["y", "x"], "n": [1, 2]}})
    read_interactions(table, "user", "item", "time", Positive.parse("stars >= 4"), ledger)
    assert ledger.entries == {
        (5, "item"): "it is not in its table",
        (6, "item"): "it is not in its table",
        (6, "time"): "it is missing",
        (7, "user"): "it is missing",
        (8, "stars"): "not a number: 'unknown'",
    }
    ledger = Ledger()
    ledger.add_table(table)
    read_interactions(table, "user", "item", "time", None, ledger)
    assert ledger.entries[5, "item"] == "z is not in the table of 'item'"
    only = {"user": ["a", "a", "a"], "item": ["x", "y", "z"], "time": ["1", "soon", None]}
    ledger = Ledger()
    read_interactions(read(only), "user", "item", "time", None, ledger)
    assert list(ledger.entries.values()) == [
        "neither a date nor a number: 'soon'", "it is missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "value", "holds"),
    [
        ("stars >= 4", "4", True),
        ("stars>4", "4", False),
        ("stars < 4", 3.5, True),
        ("stars <= 4", "1,000", False),
        ("the verdict = bought it", "bought it", True),
        ("verdict == bought", "seen", False),
        ("verdict != seen", "bought", True),
        ("stars = 4", "4.0", True),
    ],
)
def test_positive_rows(words: str, value: Any, holds: bool) -> None:
    assert Positive.parse(words).holds(value) is holds


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="Positive 'stars' is not known; write COLUMN SIGN VALUE"):
        Positive.parse("stars")
    with pytest.raises(ConfigError, match="Positive 'stars >= many' needs a number: not a number"):
        Positive.parse("stars >= many")
    with pytest.raises(CellError, match="it is missing, so the row is no choice"):
        Positive.parse("stars >= 4").holds(None)
    with pytest.raises(CellError, match="not a number: 'good'"):
        Positive.parse("stars >= 4").holds("good")
    with pytest.raises(ColumnError, match="Column 'star' is not in the table. Did you mean"):
        chosen(ROWS, "star >= 4")
    none = r"No row of 9 is a choice \(stars > 9\): 6 are not positive, 3 lack a known"
    with pytest.raises(TableError, match=none):
        chosen(ROWS, "stars > 9")
    with pytest.raises(TableError, match="No row of 1 is a choice: 0 are not positive, 1 lack"):
        chosen({"user": ["a"], "item": ["x"], "time": ["soon"]})


def many_choices(seed: int = 0) -> Interactions:
    random = np.random.default_rng(seed)
    most = {"user": 7, "item": 90, "time": 40}
    return chosen({name: random.integers(0, end, 200).tolist() for name, end in most.items()})


def test_histories_are_what_came_strictly_before() -> None:
    found = many_choices()
    histories = found.histories(found.user, found.time)
    ties = 0
    for row, history in enumerate(histories):
        mine = found.user == found.user[row]
        before = mine & (found.time < found.time[row])
        assert history.tolist() == found.item[before].tolist()  # in the order of time
        ties += int((mine & (found.time == found.time[row])).sum()) - 1
        assert found.item[row] not in history
    assert ties > 20
    assert max(map(len, histories)) > 10
    newest = found.histories(found.user, found.time, 3)
    for long, short in zip(histories, newest, strict=True):
        assert long[-3:].tolist() == short.tolist()


def test_nothing_of_the_future_is_in_a_history() -> None:
    """Whatever is changed from a time on, no history up to this time changes."""
    found = many_choices()
    before = found.histories(found.user, found.time)
    for cut in (10.0, 20.0, 30.0):
        later = found.time >= cut
        item = found.item.copy()
        item[later] = np.random.default_rng(1).permutation(item[later])
        changed = Interactions(found.user, item, found.time, found.users, found.items)
        fewer = found.take(~later)
        for other in (changed, fewer):
            again = other.histories(found.user, found.time)
            for row in np.flatnonzero(found.time <= cut):
                np.testing.assert_array_equal(before[row], again[row])
        after = changed.histories(found.user, found.time)
        assert any(one.tolist() != two.tolist() for one, two in zip(before, after, strict=True))


def test_who_never_chose_has_no_history() -> None:
    found = many_choices().take(np.zeros(0, dtype=np.int64))
    assert [len(h) for h in found.histories(np.array([0, 3]), np.array([np.inf, 5.0]))] == [0, 0]
