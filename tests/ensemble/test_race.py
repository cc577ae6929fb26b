"""Who leaves a contest early, and who does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.ensemble.board import make_board
from plait.ensemble.config import FitConfig
from plait.ensemble.contest import hold
from plait.ensemble.entrants import Entrant, line_up
from plait.ensemble.race import Race, remaining
from plait.ensemble.trees import TreesConfig
from plait.fitting import set_up
from plait.progress import Progress
from plait.tasks.target import Target
from plait.train.config import TrainConfig
from plait.types import Modality

ROWS = 400
LABELS = ["a", "b"] * (ROWS // 2)
TARGET = Target.learn("y", Modality.CATEGORY, LABELS)
TRUTH = TARGET.encode(LABELS)
ALONE = np.arange(ROWS)


def right(share: float, seed: int, rows: slice = slice(None)) -> np.ndarray:
    """Return scores that are right, and sure, in a share of some rows; undecided in the others."""
    random = np.random.default_rng(seed)
    told = np.where(random.random(ROWS)[:, None] < share, TRUTH, 1 - TRUTH)
    scores = np.full((ROWS, 2), 0.5)
    scores[rows] = (0.1 + 0.8 * told)[rows]
    return scores


def entrants(**levels: str) -> list[Entrant]:
    return [Entrant(name, level, "network", ("x",)) for name, level in levels.items()]  # type: ignore[arg-type]


def race(chance: float = 0.01) -> Race:
    return Race(TARGET, "accuracy", chance, 0)


def test_who_is_behind_and_of_no_use_leaves() -> None:
    experts = entrants(title="single", concat="feature", trees="trees")
    scores = {"title": right(0.6, 0), "concat": right(0.95, 1), "trees": right(0.6, 2)}
    found = race().behind(experts, scores, TRUTH, ALONE, 2)
    assert list(found) == ["trees"]  # a single modality stays
    gone = found["trees"]
    hit = {name: float((own.argmax(1) == TRUTH.argmax(1)).mean()) for name, own in scores.items()}
    assert (gone.best, gone.rows, gone.folds, gone.level) == ("concat", ROWS, 2, "trees")
    assert gone.score == pytest.approx(hit["trees"])
    assert gone.lead.value == pytest.approx(hit["concat"] - hit["trees"])
    assert gone.sentence.startswith(f"trees left after fold 2: {gone.score:.4f} where concat had")
    assert not race(0.0).behind(experts, scores, TRUTH, ALONE, 2)
    few = ALONE // 100  # four groups say too little
    assert not race(0.001).behind(experts, scores, TRUTH, few, 2)


def test_who_is_behind_but_of_use_stays() -> None:
    """It knows the rows of which the better one knows nothing."""
    experts = entrants(concat="feature", trees="trees")
    scores = {"concat": right(0.97, 0, slice(0, 220)), "trees": right(0.97, 1, slice(220, None))}
    assert not race(1.0).behind(experts, scores, TRUTH, ALONE, 1)
    scores["trees"] = right(0.5, 1, slice(220, None))
    assert list(race(1.0).behind(experts, scores, TRUTH, ALONE, 1)) == ["trees"]


def test_of_errors_the_least_is_best() -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=ROWS)
    target = Target.learn("y", Modality.NUMBER, list(numbers))
    near, far = (numbers[:, None] + random.normal(0, s, (ROWS, 1)) for s in (0.1, 2.0))
    experts = entrants(concat="feature", trees="trees")
    own = Race(target, "rmse", 0.01, 0)
    found = own.behind(experts, {"concat": near, "trees": far}, target.encode(numbers), ALONE, 1)
    assert list(found) == ["trees"]
    assert found["trees"].lead.value == pytest.approx(2.0 - 0.1, abs=0.2)


def test_of_several_targets_one_is_enough_to_stay() -> None:
    both = Target.together([replace(TARGET, name=name) for name in ("y", "z")])
    good, bad = right(0.97, 0), right(0.5, 1)
    truth = np.concatenate([TRUTH, TRUTH], axis=1)
    experts = entrants(concat="feature", trees="trees")
    concat, trees = (np.concatenate(two, axis=1) for two in ((good, bad), (bad, right(0.9, 2))))
    own = Race(both, "mean", 1.0, 0)
    assert not own.behind(experts, {"concat": concat, "trees": trees}, truth, ALONE, 1)
    trees = np.concatenate([bad, bad], axis=1)
    concat = np.concatenate([good, good], axis=1)
    assert own.behind(experts, {"concat": concat, "trees": trees}, truth, ALONE, 1)


def test_combiners_do_without_those_who_left() -> None:
    three = entrants(title="single", concat="feature", trees="trees")
    blend = Entrant("blend", "decision", "blend", ("x",), members=("title", "concat", "trees"))
    scores = {"title": right(0.6, 0), "concat": right(0.95, 1), "trees": right(0.6, 2)}
    found = race().behind(three, scores, TRUTH, ALONE, 1)
    left = remaining([*three, blend], found)
    assert [e.name for e in left] == ["title", "concat", "blend"]
    assert left[-1].members == ("title", "concat")


CONFIG = FitConfig(
    folds=3, drop=1.0, trees=TreesConfig(rounds=5), train=TrainConfig(epochs=5, least_steps=20)
)


def test_a_contest_goes_on_with_those_that_are_left(things: Path) -> None:
    setup = set_up(things, "kind", {}, ["price"], None, CONFIG, Progress(show=False))
    everyone = line_up(setup.problem.sources, ["classify"], ["concat", "mean"], ["average"])
    seen: list[int] = []
    contest = hold(setup.problem, setup.split.folds, everyone, CONFIG, seen.append)
    assert sum(seen) == 3 * len(everyone)
    assert contest.dropped
    board = make_board(setup.problem, everyone, contest, "accuracy", 0)
    assert [one.name for one in board.dropped] == list(contest.dropped)
    names = [line.name for line in board.lines]
    assert set(names) == {e.name for e in everyone} - set(contest.dropped)
    assert {"photo", "text", "table", "average", "blend"} <= set(names)
    for outcome in contest.outcomes.values():
        assert np.isfinite(outcome.scores).all()


def test_a_comparison_shows_everyone_on_all_rows(things: Path) -> None:
    board = plait.compare(things, "kind", ignore=["price"], fusions=["concat", "mean"],
                          config=CONFIG, progress=Progress(show=False))  # fmt: skip
    assert not board.dropped
    assert {"concat", "mean", "trees"} <= {line.name for line in board.lines}
