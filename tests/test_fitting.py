"""fit and compare, from a file to a board: learning, repeating, splitting, refusing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.catalog import FUSIONS, QUICK_FUSIONS
from plait.ensemble.combine import COMBINERS
from plait.ensemble.config import BALANCES, FitConfig, balanced
from plait.ensemble.trees import TreesConfig
from plait.errors import ColumnError, ConfigError, TableError
from plait.fitting import ready
from plait.fusion.fusion import FusionConfig
from plait.progress import Progress
from plait.train.config import TrainConfig

QUICK = FitConfig(
    drop=0.0,  # who leaves early is tested in ensemble/test_race.py
    folds=2,
    trees=TreesConfig(rounds=20),
    train=TrainConfig(epochs=15, batch_size=32),
)
QUIET = Progress(show=False)


@pytest.fixture(scope="module")
def board(things: Path) -> plait.fitting.Board:  # type: ignore[name-defined]
    return plait.compare(things, "kind", ignore=["price"], config=QUICK, progress=QUIET)


def test_both_modalities_are_needed_and_found(board) -> None:
    assert board["photo"].score.value < 0.65
    assert board["text"].score.value < 0.65
    assert board["concat"].score.value > 0.7
    assert board["concat"].gain.low > 0.1
    assert board["concat"].gain.p < 0.01
    assert board.sentence.startswith("Combining modalities helped: ")


def test_compare_has_every_member(board) -> None:
    names = [line.name for line in board.lines]
    singles = ["photo", "text", "table", "table, linear"]
    decisions = [c for c in COMBINERS if c != "blend"]
    assert names == [*singles, *QUICK_FUSIONS, "trees", *decisions, "blend"]
    for line in board.lines:
        assert line.score.low <= line.score.value <= line.score.high
        assert (line.gain is None) == (line.level == "single")
        assert line.fit_seconds > 0
        assert line.rows_per_second > 0
        assert line.megabytes > 0
        assert set(line.others) >= {"balanced_accuracy", "log_loss", "auroc"}


def test_what_knows_nothing_is_the_measure(things: Path) -> None:
    table = plait.read(things)
    kinds = ["usual" if row % 4 else "rare" for row in range(len(table))]
    noise = table.take(range(len(table))).with_column("kind", kinds)
    board = plait.compare(noise, "kind", ignore=["price"], config=QUICK, progress=QUIET)
    assert board.chance == 0.75
    assert board.skill.low <= 0
    assert "is not shown to be better than saying the same of every row (accuracy 0.750)" in (
        board.sentence
    )


def test_a_model_that_knows_something_is_not_warned_of(board) -> None:
    assert 0.2 < board.chance < 0.4
    assert board.skill.low > 0.2
    assert board.skill.value == pytest.approx(board[board.winner].score.value - board.chance)
    assert "Careful" not in board.sentence


def test_every_fusion_learns_what_needs_both_modalities(things: Path) -> None:
    # Sixteen members need more than 160 rows.
    settings = FusionConfig(32, heads=2, dropout=0.0, members=4)
    rate = replace(QUICK.train, learning_rate=3e-3)
    config = replace(QUICK, fusion_settings=settings, train=rate)
    names = tuple(FUSIONS)
    board = plait.compare(
        things, "kind", ignore=["price"], fusions=names, config=config, progress=QUIET
    )
    levels = {"feature", "tensor", "representation", "interaction"}
    assert {board[name].level for name in names} == levels
    best_single = board[board.best_single].score.value
    for name in names:
        assert board[name].score.value > best_single + 0.1, name


def test_same_seed_same_numbers_to_the_bit(things: Path, new_things: Path) -> None:
    def scores(seed: int) -> np.ndarray:
        config = replace(QUICK, seed=seed)
        model = plait.fit(things, "kind", ignore=["price"], config=config, progress=QUIET)
        return model.predict(new_things, QUIET).scores

    first = scores(0)
    assert np.array_equal(first, scores(0))
    assert not np.array_equal(first, scores(1))


def test_fit_runs_the_contest_and_keeps_its_winner(things: Path, new_things: Path) -> None:
    model = plait.fit(things, "kind", ignore=["price"], config=QUICK, progress=QUIET)
    names = [line["name"] for line in model.facts["board"]["lines"]]
    experts = ["photo", "text", "table", "table, linear", "concat", "trees"]
    assert names == [*experts, "average", "blend"]
    assert model.facts["board"]["winner"] == model.entrant.name
    assert model.evaluate(new_things, QUIET)["accuracy"] > 0.9


def test_regress_uses_all_three(things: Path, new_things: Path) -> None:
    model = plait.fit(things, "price", ignore=["kind"], config=QUICK, progress=QUIET)
    lines = {line["name"]: line["score"]["value"] for line in model.facts["board"]["lines"]}
    assert model.target.kind == "regress"
    assert max(lines["photo"], lines["text"], lines["table"]) < 0.8
    assert model.evaluate(new_things, QUIET)["r2"] > max(lines["photo"], lines["table"]) + 0.1


def test_multilabel(things: Path) -> None:
    table = plait.read(things)
    labels = [kind.replace(" ", "|") for kind in table.values("kind")]
    table = table.drop(["kind", "price"]).with_column("labels", labels)
    model = plait.fit(table, "labels:categories", config=QUICK, progress=QUIET)
    assert model.target.kind == "multilabel"
    assert model.target.labels == ("big", "blue", "red", "small")
    assert model.facts["board"]["metric"] == "map"
    assert model.evaluate(table, QUIET)["map"] > 0.95
    assert all(isinstance(value, tuple) for value in model.predict(table, QUIET).values)


def test_a_split_column_keeps_test_rows_apart(things: Path) -> None:
    table = plait.read(things)
    parts = ["test" if row % 4 == 0 else "train" for row in range(len(table))]
    kinds = table.values("kind")
    # Wrong answers in the test part show that nothing learns from it.
    wrong = [kinds[0] if part == "test" else kind for kind, part in zip(kinds, parts, strict=True)]
    table = table.with_column("kind", wrong).with_column("part", parts)
    ignored = ["price", "weight"]
    model = plait.fit(
        table, "kind", split="column:part", ignore=ignored, config=QUICK, progress=QUIET
    )
    assert model.facts["test"]["rows"] == 40
    assert model.facts["test"]["scores"]["accuracy"]["value"] < 0.5
    assert model.schema["part"].left_out == "ignored"
    assert model.facts["board"]["rows"] == 120


def test_rows_without_a_target_are_counted_and_left_out(things: Path) -> None:
    table = plait.read(things)
    kinds = [None if row < 7 else kind for row, kind in enumerate(table.values("kind"))]
    table = table.with_column("kind", kinds)
    model = plait.fit(table, "kind", ignore=["price"], config=QUICK, progress=QUIET)
    assert model.facts["rows"] == 153
    assert list(model.ledger.entries) == [(row, "kind") for row in range(7)]
    assert model.evaluate(table, QUIET).left_out == 7


def test_a_class_with_one_member_and_missing_cells(things: Path) -> None:
    table = plait.read(things)
    kinds = ["odd one", *table.values("kind")[1:]]
    texts = [None if row % 3 == 0 else text for row, text in enumerate(table.values("text"))]
    photos = [None if row % 5 == 0 else photo for row, photo in enumerate(table.values("photo"))]
    for name, values in (("kind", kinds), ("text", texts), ("photo", photos)):
        table = table.with_column(name, values)
    model = plait.fit(table, "kind", ignore=["price"], config=QUICK, progress=QUIET)
    assert "odd one" in model.target.labels
    assert np.isfinite(model.predict(table, QUIET).scores).all()


def test_one_modality_alone_is_a_contest_too(things: Path) -> None:
    model = plait.fit(
        things, "kind", ignore=["price", "photo", "weight"], config=QUICK, progress=QUIET
    )
    names = [line["name"] for line in model.facts["board"]["lines"]]
    assert names == ["text", "concat", "trees", "blend"]
    assert "one modality only" in model.facts["sentence"]


def test_every_way_to_split_runs(things: Path) -> None:
    table = plait.read(things)
    days = [f"2024-{1 + row // 28:02d}-{1 + row % 28:02d}" for row in range(len(table))]
    table = table.with_column("day", days).with_column("shop", [f"s{r % 9}" for r in range(160)])
    for way in ("stratified", "random", "group:shop", "time:day"):
        board = plait.compare(
            table.drop(["photo", "text"]), "kind", ignore=["price"], split=way,
            config=replace(QUICK, folds=1), progress=QUIET,
        )  # fmt: skip
        assert 20 <= board.rows <= 60


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "knid"}, ColumnError, "'knid' is not in the table. Did you mean 'kind'"),
        ({"target": "photo:vector"}, ColumnError, "holds vector .* cannot be a target yet"),
        (
            {"target": "photo:vector"},
            ColumnError,
            "Targets may be category, categories, number, text",
        ),
        ({"preset": "quik"}, ConfigError, "Preset 'quik' is not known. Did you mean 'quick'"),
        ({"split": "grouped"}, ConfigError, "Split 'grouped' is not known; say one of"),
        ({"split": "group:shop"}, ColumnError, "'shop' is not in the table"),
        ({"modalities": {"text": "txt"}}, ConfigError, "'txt' is not known. Did you mean 'text'"),
        ({"ignore": ["fhoto"]}, ColumnError, "'fhoto' is not in the table. Did you mean 'photo'"),
        ({"ignore": ["photo", "text", "weight", "price"]}, TableError, "No column is left"),
        ({"config": FitConfig(metric="acuracy")}, ConfigError, "Did you mean 'accuracy'"),
        ({"config": FitConfig(fusion="sum")}, ConfigError, "Fusion 'sum' is not known"),
    ],
)
def test_refusals_say_what_to_do(
    things: Path, arguments: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plait.fit(things, **{"target": "kind", "progress": QUIET, **arguments})


def test_a_table_of_one_row_or_one_class(things: Path) -> None:
    table = plait.read(things)
    with pytest.raises(TableError, match="The table has 1 row; learning needs two at least"):
        plait.fit(table.take([0]), "kind", progress=QUIET)
    same = table.with_column("kind", ["one"] * len(table))
    with pytest.raises(TableError, match="Target 'kind' has one class only, 'one'"):
        plait.fit(same, "kind", progress=QUIET)


def test_too_many_bad_cells_stop_the_run(things: Path) -> None:
    table = plait.read(things)
    photos = ["nowhere.png" if row % 2 else p for row, p in enumerate(table.values("photo"))]
    with pytest.raises(TableError, match=r"80 of 160 cells of column 'photo' .* max_bad_share"):
        plait.fit(table.with_column("photo", photos), "kind", config=QUICK, progress=QUIET)
    few = ["nowhere.png" if row < 9 else p for row, p in enumerate(table.values("photo"))]
    model = plait.fit(
        table.with_column("photo", few), "kind", ignore=["price"], config=QUICK, progress=QUIET
    )
    assert model.ledger.counts()["photo"] == 9
    assert "there is no file 'nowhere.png'" in model.ledger.entries[0, "photo"]


def test_the_contest_keys_have_their_effects(things: Path) -> None:
    table = plait.read(things).drop(["photo", "price"])
    arguments = {"progress": QUIET}
    plain = plait.compare(table, "kind", config=QUICK, **arguments)
    folds = plait.compare(table, "kind", config=replace(QUICK, folds=4), **arguments)
    assert (plain.folds, folds.folds) == (2, 4)
    metric = plait.compare(table, "kind", config=replace(QUICK, metric="log_loss"), **arguments)
    assert (plain.metric, metric.metric) == ("accuracy", "log_loss")
    assert (plain.higher, metric.higher) == (True, False)
    best = min(metric.lines, key=lambda line: line.score.value)
    assert metric.winner == best.name
    seed = plait.compare(table, "kind", config=replace(QUICK, seed=1), **arguments)
    assert seed["concat"].score != plain["concat"].score
    texts = [{"no": "text"} if row < 80 else t for row, t in enumerate(table.values("text"))]
    broken = table.with_column("text", texts)
    said = {"text": "text"}
    with pytest.raises(TableError, match="max_bad_share"):
        plait.fit(broken, "kind", modalities=said, config=QUICK, **arguments)
    loose = replace(QUICK, max_bad_share=0.6)
    model = plait.fit(broken, "kind", modalities=said, config=loose, **arguments)
    assert model.ledger.counts()["text"] == 80


@pytest.mark.parametrize(
    ("setting", "config"),
    [
        ("class_weights", FitConfig(class_weights=True)),
        ("train.balanced", balanced(FitConfig(), "sampling")),
        ("head.loss", balanced(FitConfig(), "focal")),
    ],
)
def test_a_number_has_no_classes_to_balance(things: Path, setting, config) -> None:
    with pytest.raises(ConfigError, match=f"Setting '{setting}' balances classes, and a number"):
        plait.fit(things, "price", config=config, progress=QUIET)


def test_stopping_needs_a_metric_of_the_task(things: Path) -> None:
    config = FitConfig(train=TrainConfig(stop_on="rmse"))
    with pytest.raises(ConfigError, match="Metric of the task 'classify' 'rmse' is not known"):
        plait.fit(things, "kind", config=config, progress=QUIET)


def test_ways_of_balancing_have_names() -> None:
    assert balanced(FitConfig(), "weights") == FitConfig(class_weights=True)
    assert balanced(FitConfig(), "adjusted").head.loss == "adjusted"
    assert balanced(FitConfig(), "sampling").deep.balanced
    with pytest.raises(ConfigError, match="Way of balancing 'wieghts' is not known. Did you mean"):
        balanced(FitConfig(), "wieghts")


@pytest.mark.parametrize("way", sorted({*BALANCES} - {"focal"}))
def test_a_rare_class_is_found_more_often_when_classes_are_balanced(way, things: Path) -> None:
    """One class in ten rows, and features that overlap: without balance it is nearly never said.

    Focal loss is not in this list: it weighs what is hard, not what is rare.
    """
    rng = np.random.default_rng(0)
    kinds = np.where(rng.random(600) < 0.1, "rare", "usual")
    sizes = rng.normal(size=600) + 1.2 * (kinds == "rare")
    heights = rng.normal(size=600) + 1.2 * (kinds == "rare")
    table = {"kind": kinds.tolist(), "size": sizes.tolist(), "height": heights.tolist(),
             "text": [f"{word} thing" for word in rng.choice(["red", "blue"], 600)]}  # fmt: skip
    config = replace(QUICK, folds=2)

    def recall(config: FitConfig) -> float:
        board = plait.compare(table, "kind", fusions=["concat"], config=config, progress=QUIET)
        return board["concat"].others["recall_macro"]

    assert recall(balanced(config, way)) > recall(config) + 0.05


def test_tokens_are_kept_only_for_fusions_that_read_them() -> None:
    for fusion, tokens in [("concat", 0), ("experts", 0), ("graph", 0), ("shared", 16)]:
        config = ready(FitConfig(), "quick", ["mean", fusion])
        assert config.encoders.pretrained.tokens == tokens, fusion
