"""Neither part of a split has seen the other."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

from plait.data.split import Split, apart, automatic_folds, make_split, marking, parse_way
from plait.data.table import Table
from plait.errors import ColumnError, ConfigError, TableError


def table(rows: int = 60, **columns: Any) -> Table:
    return Table.of({"x": list(range(rows)), **columns})


def check(split: Split, rows: int, whole: bool = True) -> None:
    """Every fold parts the rows, and where `whole` every row is held out exactly once."""
    for learning, held in split.folds:
        assert len(learning)
        assert len(held)
        assert not set(learning) & (set(held) | set(split.test))
        assert (np.diff(learning) > 0).all()
        assert (np.diff(held) > 0).all()
    held_out = np.concatenate([held for _, held in split.folds])
    if whole:
        assert sorted(held_out) == list(range(rows))
    assert len(split.groups) == rows


CLASSES = np.repeat([0, 1, 2], [30, 20, 10])


def test_stratified_folds_hold_every_class_alike() -> None:
    split = make_split(table(), None, 5, CLASSES, seed=0)
    check(split, 60)
    for _, held in split.folds:
        assert np.bincount(CLASSES[held]).tolist() == [6, 4, 2]


def test_random_folds_do_not_look_at_classes() -> None:
    split = make_split(table(), "random", 5, CLASSES, seed=0)
    check(split, 60)
    assert any(np.bincount(CLASSES[held]).tolist() != [6, 4, 2] for _, held in split.folds)


def test_numbers_are_split_without_classes() -> None:
    check(make_split(table(), "stratified", 3, None, seed=0), 60)


@pytest.mark.parametrize("way", ["stratified", "random", "group:g"])
def test_seeds_repeat_and_differ(way: str) -> None:
    t = table(g=[str(i // 2) for i in range(60)])
    one, same, other = (make_split(t, way, 3, CLASSES, seed) for seed in (1, 1, 2))
    held = [[fold[1].tolist() for fold in split.folds] for split in (one, same, other)]
    assert held[0] == held[1] != held[2]


@pytest.mark.parametrize("way", ["stratified", "random", "group:g", "time:x"])
def test_one_fold_holds_out_a_fifth(way: str) -> None:
    split = make_split(table(g=[str(i // 2) for i in range(60)]), way, 1, None, seed=0)
    check(split, 60, whole=False)
    assert len(split.folds) == 1
    assert 10 <= len(split.folds[0][1]) <= 14


def test_the_number_of_folds_follows_the_rows() -> None:
    assert [automatic_folds(n) for n in (10, 3000, 3001, 8000, 8001)] == [5, 5, 3, 3, 1]
    assert len(make_split(table(), None, 0, CLASSES, 0).folds) == 5


def test_more_folds_than_rows() -> None:
    assert len(make_split(table(3), None, 10, None, 0).folds) == 3


@pytest.mark.parametrize("way", ["stratified", "random", "group:x"])
def test_classes_with_one_member_do_not_break(way: str) -> None:
    check(make_split(table(12), way, 5, np.arange(12), 0), 12)
    check(make_split(table(12), way, 5, np.array([0] * 11 + [1]), 0), 12)


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_no_group_is_in_both_parts(classes: np.ndarray | None) -> None:
    groups: list[Any] = [f" g{i % 7}" for i in range(50)] + [None, float("nan"), " "] + [3] * 7
    split = make_split(table(g=groups), "group:g", 4, classes, seed=0)
    check(split, 60)
    for learning, held in split.folds:
        assert not set(split.groups[learning]) & set(split.groups[held])
    assert len(set(split.groups)) == 7 + 3 + 1
    assert len(set(split.groups[50:53])) == 3


@pytest.mark.parametrize("folds", [1, 2, 5])
def test_held_out_times_are_later(folds: int) -> None:
    rng = np.random.default_rng(0)
    times = rng.permutation(60)
    split = make_split(table(t=times.tolist()), "time:t", folds, CLASSES, seed=0)
    check(split, 60, whole=False)
    assert len(split.folds) == folds
    for learning, held in split.folds:
        assert times[learning].max() < times[held].min()
    assert times[split.folds[-1][1]].max() == 59


def test_equal_times_stay_together() -> None:
    years = np.array([2010] * 5 + [2011] * 20 + [2012] * 33 + [2013] * 2)
    order = np.random.default_rng(0).permutation(60)
    for folds in (1, 3, 5):
        split = make_split(table(t=years[order].tolist()), "time:t", folds, None, seed=0)
        for learning, held in split.folds:
            assert years[order][learning].max() < years[order][held].min()


def test_times_as_dates_and_texts_and_missing() -> None:
    start = datetime.date(2020, 1, 1)
    days = [start + datetime.timedelta(days=i) for i in range(10)]
    for cells in (days, [str(day) for day in days], [f"{d:%B} {d.day}, {d.year}" for d in days]):
        values: list[Any] = [*cells[::-1]]
        values[0] = None
        values[1] = float("nan")
        split = make_split(table(10, t=values), "time:t", 1, None, 0)
        assert split.folds[0][1].tolist() == [2, 3]
        assert {0, 1} <= set(split.folds[0][0])


def test_a_column_of_parts() -> None:
    parts = ["train"] * 40 + [" Valid "] * 10 + ["TEST"] * 10
    split = make_split(table(p=parts), "column:p", 5, CLASSES, 0)
    assert [(len(a), len(b)) for a, b in split.folds] == [(40, 10)]
    assert split.test.tolist() == list(range(50, 60))


def test_a_column_of_parts_without_validation() -> None:
    parts = ["training"] * 40 + ["test"] * 20
    split = make_split(table(p=parts), "column:p", 4, CLASSES, 0)
    assert sorted(np.concatenate([held for _, held in split.folds])) == list(range(40))
    assert split.test.tolist() == list(range(40, 60))
    check(split, 60, whole=False)


@pytest.mark.parametrize("value", ["holdout", None, "", 1])
def test_other_names_of_parts_are_refused(value: Any) -> None:
    with pytest.raises(TableError, match=r"'p' must hold train, validation or test; found "):
        make_split(table(2, p=["train", value]), "column:p", 1, None, 0)


def test_a_column_without_rows_to_learn_from() -> None:
    with pytest.raises(TableError, match="Column 'p' marks no row as train"):
        make_split(table(2, p=["test", "test"]), "column:p", 1, None, 0)


@pytest.mark.parametrize(
    ("rows", "way", "message"),
    [
        (1, None, "Found 1 rows to learn from; at least 2 are needed"),
        (4, "group:g", "Found 1 groups to learn from; at least 2 are needed"),
        (4, "time:g", "Found 4 rows of 1 different times, too few for 5 parts"),
        (6, "time:g", "Found 6 rows of 1 different times, too few for 5 parts"),
        (3, "time:x", "Found 3 rows of 3 different times, too few for 5 parts"),
        (4, "time:word", "No cell of column 'word' is a date or a number to order rows by"),
    ],
)
def test_too_little_to_split(rows: int, way: str | None, message: str) -> None:
    with pytest.raises(TableError, match=message):
        make_split(table(rows, g=[7] * rows, word=["red"] * rows), way, 1, None, 0)


@pytest.mark.parametrize("way", ["rows", "group", "time:", "random:x", "", ":x", "Group:x"])
def test_ways_that_are_not_known(way: str) -> None:
    if not way:
        assert parse_way(way, table()) == ("stratified", "")
        return
    with pytest.raises(
        ConfigError, match=r"Split '.*' is not known; say one of stratified, random"
    ):
        parse_way(way, table())


def test_columns_of_ways() -> None:
    t = table(**{"a:b": [0] * 60})
    assert parse_way("group:a:b", t) == ("group", "a:b")
    with pytest.raises(ColumnError, match="Column 'y' is not in the table"):
        parse_way("time:y", t)


def test_apart_without_groups_cuts_as_told() -> None:
    order = np.random.default_rng(0).permutation(10)
    held, rest = apart(order, None, [3])
    assert held.tolist() == order[:3].tolist()
    assert rest.tolist() == order[3:].tolist()
    alone = apart(order, np.arange(10), [3])
    assert [part.tolist() for part in alone] == [held.tolist(), rest.tolist()]


def test_apart_keeps_each_group_in_one_part() -> None:
    groups = np.repeat(np.arange(20), 4)
    order = np.random.default_rng(0).permutation(80)
    parts = apart(order, groups, [16, 32, 48, 64])
    assert sorted(np.concatenate(parts).tolist()) == list(range(80))
    assert [len(part) for part in parts] == [16] * 5
    seen = [set(groups[part]) for part in parts]
    assert sum(map(len, seen)) == 20
    assert len(apart(order, groups, [9])[0]) == 8  # back to the end of the second group
    assert len(apart(order, groups, [11])[0]) == 12  # on to that of the third


def test_apart_holds_no_large_group_out_sooner_than_a_small() -> None:
    """Of 21 groups, one holds five sixths of the rows; it is first in about one order of 21."""
    groups = np.array([0] * 100 + list(range(1, 21)))
    seen = [0 in groups[apart(np.random.default_rng(s).permutation(120), groups, [10])[0]]
            for s in range(200)]  # fmt: skip
    assert sum(seen) < 200 * 11 / 20  # among the first ten of 21, where it is cut


def test_apart_of_few_groups_cuts_them_after_all() -> None:
    order = np.arange(10)
    assert [len(p) for p in apart(order, np.zeros(10), [2])] == [2, 8]
    assert [len(p) for p in apart(order, np.array([0] * 9 + [1]), [1])] == [1, 9]
    parts = apart(order, np.array([0] * 6 + [1] * 4), [2, 4, 6, 8])
    assert sorted(np.concatenate(parts).tolist()) == list(range(10))
    assert len(apart(order, np.arange(10), [0])[0]) == 0


def test_judged_once() -> None:
    parts = ["train", "test", "validation", "train"]
    learning, judged, kept = make_split(table(4, part=parts), "column:part", 1, None, 0).once
    assert (learning.tolist(), judged.tolist(), kept) == ([0, 2, 3], [1], True)
    split = make_split(table(10), "random", 1, None, 0)
    learning, judged, kept = split.once
    assert (learning is split.folds[0][0], judged is split.folds[0][1], kept) == (True, True, False)


def test_only_a_column_of_parts_is_no_input() -> None:
    rows = table(4, part=["train", "test", "train", "test"])
    assert marking("column:part", rows) == ["part"]
    assert marking("group:part", rows) == marking(None, rows) == []
    with pytest.raises(ColumnError, match="Column 'prat' is not in the table"):
        marking("column:prat", rows)
