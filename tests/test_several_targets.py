"""Several targets from a file to predictions, some of them not known of every row."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_cli import plait as run

import plait
from plait.ensemble.combine import COMBINERS
from plait.ensemble.config import FitConfig, balanced
from plait.ensemble.trees import TreesConfig
from plait.errors import ColumnError, ConfigError, TableError
from plait.progress import Progress
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
CONFIG = FitConfig(
    folds=2, trees=TreesConfig(rounds=15), train=TrainConfig(epochs=15, batch_size=32)
)
TARGETS = ["kind", "price"]


@pytest.fixture(scope="module")
def table(things: Path) -> plait.data.table.Table:  # type: ignore[name-defined]
    """Every third row lacks the kind, every fourth the price, every twelfth both."""
    whole = plait.read(things)
    kinds, prices = whole.values("kind"), whole.values("price")
    kinds = [None if row % 3 == 2 else value for row, value in enumerate(kinds)]
    prices = [None if row % 4 == 3 else value for row, value in enumerate(prices)]
    return whole.with_column("kind", kinds).with_column("price", prices)


@pytest.fixture(scope="module")
def model(table) -> plait.Model:
    return plait.fit(table, TARGETS, config=CONFIG, progress=QUIET)


def test_both_are_learned(model, new_things: Path) -> None:
    found = model.evaluate(new_things, QUIET)
    assert list(found.scores) == ["mean", "kind accuracy", "price r2"]
    assert found["kind accuracy"] > 0.7
    assert found["price r2"] > 0.7
    assert found["mean"] == pytest.approx((found["kind accuracy"] + found["price r2"]) / 2)
    assert [part.target.name for part in found.parts] == TARGETS
    board = model.facts["board"]
    assert board["metric"] == "mean"
    assert set(board["lines"][0]["others"]) == {"kind accuracy", "price r2"}
    assert board["chance"] < 0.4


def test_what_is_not_known_is_no_fault_but_a_row_without_any_is(model, table) -> None:
    assert model.facts["rows"] == 160 - 160 // 12
    lines = {(row, why) for (row, _), why in model.ledger.entries.items()}
    assert lines == {(row, "no target is known") for row in range(11, 160, 12)}


def test_a_target_that_cannot_be_read_is_listed(table) -> None:
    prices = table.values("price")
    prices[4] = "cheap"
    odd = table.with_column("price", prices)
    made = plait.fit(odd, ["kind", "price:number"], config=CONFIG, progress=QUIET)
    (reason,) = (why for (row, name), why in made.ledger.entries.items() if row == 4)
    assert reason.startswith("the target cannot be read: ")
    assert made.facts["rows"] == 160 - 160 // 12


def test_predictions_by_target_survive_the_folder(model, new_things: Path, tmp_path: Path) -> None:
    found = model.predict(new_things, QUIET, explain=True)
    assert list(found.each) == TARGETS
    assert found.values == list(zip(*(p.values for p in found.each.values()), strict=True))
    assert found.confidence is None
    assert (found.each["kind"].confidence > 0.25).all()
    for name, part in found.each.items():
        assert model.explain(new_things, name) == part.explanations
        for item in part.explanations:
            total = item.base + sum(item.contributions.values())
            assert total == pytest.approx(item.score, abs=1e-6)
    again = plait.load(model.save(tmp_path / "model")).predict(new_things, QUIET)
    assert np.array_equal(found.scores, again.scores)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "It predicts `kind`, one of 4 classes, `price`, a number" in card
    assert "| price |" not in card


def test_one_target_is_each_of_itself(things: Path) -> None:
    made = plait.fit(things, ["kind"], ignore=["price"], config=CONFIG, progress=QUIET)
    same = plait.fit(things, "kind", ignore=["price"], config=CONFIG, progress=QUIET)
    found = made.predict(things, QUIET)
    assert np.array_equal(found.scores, same.predict(things, QUIET).scores)
    assert list(found.each) == ["kind"]


def test_compare_has_the_combiners_that_fit_all(table) -> None:
    board = plait.compare(table, TARGETS, config=CONFIG, progress=QUIET)
    names = {line.name for line in board.lines}
    assert {"average", "weighted", "majority", "stacking", "blend"} <= names
    assert not {"product", "maximum"} & names
    assert {"regress" in COMBINERS[n].kinds for n in ("product", "maximum")} == {False}


def test_encoders_are_trained_for_all_at_once_and_tuned(table) -> None:
    encoders = replace(CONFIG.encoders, of_text="gru")
    deep = TrainConfig(epochs=2, least_steps=1, batch_size=32)
    config = replace(CONFIG, encoders=encoders, deep=deep, folds=1)
    made = plait.fit(table, TARGETS, config=config, ignore=["photo"], trials=2, progress=QUIET)
    assert made.facts["tuning"]["metric"] == "mean"
    assert len(made.facts["tuning"]["trials"]) == 2
    assert np.isfinite(made.predict(table, QUIET).scores).all()


def test_what_cannot_be(table) -> None:
    with pytest.raises(ColumnError, match="Target 'kind' is named twice; name each column once"):
        plait.fit(table, ["kind", "kind:text"], progress=QUIET)
    with pytest.raises(ColumnError, match="No target is named; name a column to be predicted"):
        plait.fit(table, [], progress=QUIET)
    for way, key in (("weights", "class_weights"), ("sampling", "train.balanced")):
        with pytest.raises(ConfigError, match=f"Setting '{key}' balances the classes of one targe"):
            plait.fit(table, TARGETS, config=balanced(CONFIG, way), progress=QUIET)
    empty = table.with_column("price", [None] * len(table))
    with pytest.raises(TableError, match="No row has a value of target 'price'"):
        plait.fit(empty, ["kind", "price:number"], progress=QUIET)


def test_explaining_needs_a_name(model, new_things: Path) -> None:
    with pytest.raises(ConfigError, match=r"several targets; say which of \['kind', 'price'\]"):
        model.explain(new_things)
    with pytest.raises(ConfigError, match="Target 'prize' is not known. Did you mean 'price'"):
        model.explain(new_things, "prize")


def test_focal_loss_balances_the_classes_among_several(table) -> None:
    made = plait.fit(table, TARGETS, config=balanced(CONFIG, "focal"), progress=QUIET)
    assert made.config.head.loss == "focal"


def test_check_looks_at_all_of_them(table) -> None:
    report = plait.check(table, TARGETS, progress=QUIET)
    assert report.targets == ("kind", "price")
    assert set(report.balance) == {"kind"}
    by_name = {item.column.name: item for item in report.columns}
    assert by_name["weight"].tells_target is not None
    assert by_name["price"].tells_target is None


def test_on_the_command_line(things: Path, new_things: Path, tmp_path: Path) -> None:
    settings, folder, output = (tmp_path / n for n in ("settings.json", "model", "out.csv"))
    settings.write_text(json.dumps({"train": {"epochs": 10}, "trees": {"rounds": 10}, "folds": 2}))
    shown = run("fit", things, "-t", "kind,price", "--config", settings, "-o", folder)
    assert "kind accuracy" in shown
    assert "price r2" in shown
    shown = run("predict", folder, new_things, "-o", output, "--probabilities", "--explain")
    assert "60 predictions of 'kind, price'" in shown
    head = output.read_text().splitlines()[0].split(",")
    for name in ("kind_predicted", "kind probability", "kind p(big red)", "kind from photo",
                 "price_predicted", "price from text"):  # fmt: skip
        assert name in head
    shown = run("evaluate", folder, new_things)
    assert "balanced_accuracy" in shown
    assert "spearman" in shown
    shown = run("explain", folder, new_things, "--rows", 2)
    assert "kind:" in shown
    assert "price:" in shown
    assert "kind:" not in run("explain", folder, new_things, "--rows", 2, "--target", "price")
    assert "4 classes of kind" in run("check", things, "-t", "kind", "-t", "price")
