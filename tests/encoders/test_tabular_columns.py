"""Tabular columns: quantiles and target means against scikit-learn and by hand; no leak."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

from plait.encoders import tabular_columns as t

RNG = np.random.default_rng(0)
NOTHING = np.zeros((1, 1), np.float32)


@pytest.mark.parametrize("n", [3, 50, 150])
def test_number_equals_quantile_transformer(n) -> None:
    values = RNG.exponential(3, n)
    column = t.NumberColumn()
    column.fit(values.tolist(), NOTHING)
    theirs = QuantileTransformer(n_quantiles=n, output_distribution="normal", subsample=None)
    new = np.concatenate([values, RNG.uniform(-2, 30, 40)])
    theirs.fit(values[:, None])
    expected = theirs.transform(new[:, None])[:, 0].clip(norm.ppf(1e-3), norm.ppf(1 - 1e-3))
    found = column.transform(new.tolist())
    assert found[:, 0] == pytest.approx(expected, abs=1e-5)
    assert not found[:, 1].any()


def test_a_number_that_repeats_gets_the_middle_of_its_ranks() -> None:
    values = RNG.poisson(2, 500)  # many zeros: scikit-learn would make the least an outlier
    column = t.NumberColumn()
    column.fit(values.tolist(), NOTHING)
    for value in (0, 1, 3):
        middle = (values < value).mean() + (values == value).mean() / 2
        level = norm.cdf(column.transform([float(value)])[0, 0])
        assert level == pytest.approx(middle, abs=1 / t.QUANTILES)


def test_number_missing_and_constant() -> None:
    column = t.NumberColumn()
    column.fit([4.0, None, 4.0], NOTHING)
    assert column.transform([4.0, None, 9.0])[:, 1].tolist() == [0, 1, 0]
    assert column.transform([4.0, None])[:, 0].tolist() == [0, 0]
    raw = column.raw([4.0, None])
    assert raw[0, 0] == 4
    assert math.isnan(raw[1, 0])


def many_levels(n: int = 400, levels: int = 40) -> list[str | None]:
    return [None if k == 0 else f"v{k}" for k in RNG.integers(0, levels, n)]


def test_target_means_by_hand() -> None:
    cells = many_levels()
    target = np.stack([RNG.normal(size=400), RNG.integers(0, 2, 400)], axis=1).astype(np.float32)
    column = t.CategoryColumn()
    column.fit(cells, target)
    found = column.transform(["v7", None, "never seen"])[:, -2:]
    rows = [row for row, cell in enumerate(cells) if cell == "v7"]
    sums = target[rows].sum(axis=0) + 10 * target.mean(axis=0)
    expected = (sums / (len(rows) + 10) - target.mean(axis=0)) / target.std(axis=0)
    assert found[0] == pytest.approx(expected, abs=1e-5)
    assert not found[1:].any()


def test_training_rows_get_target_means_of_the_other_folds() -> None:
    cells = many_levels()
    target = RNG.normal(size=(400, 1)).astype(np.float32)
    column = t.CategoryColumn()
    found = column.fit_transform(cells, target, seed=3)[:, -1]
    fold = np.random.default_rng(3).permutation(400) % 5
    for row in (0, 17, 301):
        others = np.flatnonzero(fold != fold[row])
        same = [other for other in others if cells[other] == cells[row] and cells[row]]
        overall, spread = target[others].mean(), target[others].std()
        mean = (target[same].sum() + 10 * overall) / (len(same) + 10)
        expected = (mean - overall) / spread if cells[row] else 0
        assert found[row] == pytest.approx(expected, abs=1e-4)


def test_a_random_target_does_not_leak_into_training_rows() -> None:
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cells = [f"v{k}" for k in rng.integers(0, 150, 600)]
        target = rng.normal(size=(600, 1)).astype(np.float32)
        column = t.CategoryColumn()
        honest = column.fit_transform(cells, target, seed)[:, -1:]
        for block in (honest, column.transform(cells)[:, -1:]):
            found.append(np.corrcoef(block[:, 0], target[:, 0])[0, 1])
    assert abs(np.mean(found[::2])) < 0.03
    assert np.mean(found[1::2]) > 0.4  # what a training row must not see


def test_a_real_target_is_seen_in_training_rows() -> None:
    levels = RNG.integers(0, 60, 900)
    target = (RNG.normal(size=60)[levels] + 0.1 * RNG.normal(size=900))[:, None]
    found = t.CategoryColumn().fit_transform([f"v{k}" for k in levels], target, seed=0)[:, -1]
    assert np.corrcoef(found, target[:, 0])[0, 1] > 0.8


def test_few_levels_are_one_column_each() -> None:
    column = t.CategoryColumn()
    found = column.fit_transform(["b", "a", "b", None], NOTHING, seed=0)
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    raw = column.raw(["a", "b", "other", None])[:, 0]
    assert raw[:2].tolist() == [1, 0]
    assert np.isnan(raw[2:]).all()
    assert column.codes
    assert not t.NumberColumn().codes


def test_categories_by_hand() -> None:
    column = t.CategoriesColumn()
    column.fit([("x", "y"), ("y",), None, ()], NOTHING)
    cells = [("y", "z"), (), None]
    assert column.transform(cells).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    raw = column.raw(cells)
    assert raw[:2].tolist() == [[1, 0], [0, 0]]
    assert np.isnan(raw[2]).all()


def test_date_by_hand() -> None:
    column = t.DateColumn()
    noon = datetime(2024, 7, 3, 12, tzinfo=UTC).timestamp()  # a Wednesday
    column.fit([noon, noon + 86400, noon - 86400, None], NOTHING)
    raw = column.raw([noon, None])
    assert raw[0].tolist() == [pytest.approx(noon / 86400), 2024, 7, 2, 12]
    assert np.isnan(raw[1]).all()
    found = column.transform([noon, None])
    turns = (185 / 365.25, 2.5 / 7, 0.5)
    waves = [f(2 * math.pi * turn) for turn in turns for f in (math.sin, math.cos)]
    assert found[0].tolist() == pytest.approx([0, 0, *waves], abs=1e-6)
    assert found[1].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]


CELLS = {
    t.NumberColumn: [1.5, None, -2.0, 7.25],
    t.CategoryColumn: ["a", None, "b", "a"],
    t.CategoriesColumn: [("a", "b"), None, (), ("b",)],
    t.DateColumn: [0.0, None, 1.7e9, -9e8],
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("cells", ["own", "missing", "one"])
def test_facts_are_json_and_give_the_same_numbers(kind, cells) -> None:
    known = {"own": CELLS[kind], "missing": [None, None], "one": CELLS[kind][:1]}[cells]
    target = np.arange(len(known), dtype=np.float32)[:, None]
    column = kind()
    column.fit(known, target)
    again = kind(json.loads(json.dumps(column.facts)))
    for cell_list in (CELLS[kind], known, [None]):
        assert np.isfinite(column.transform(cell_list)).all()
        assert np.array_equal(column.transform(cell_list), again.transform(cell_list))
        assert np.array_equal(column.raw(cell_list), again.raw(cell_list), equal_nan=True)
