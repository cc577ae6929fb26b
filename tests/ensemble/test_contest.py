"""The contest and its board: the same rows for all, combiners on rows they did not learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.data.loader import Source
from plait.ensemble.board import Board, make_board
from plait.ensemble.combine import COMBINERS
from plait.ensemble.config import FitConfig
from plait.ensemble.contest import Contest, Outcome, Problem, _chunks, hold
from plait.ensemble.entrants import Entrant, line_up
from plait.ensemble.trees import TreesConfig
from plait.errors import ConfigError
from plait.fitting import set_up
from plait.progress import Progress
from plait.tasks.target import Target
from plait.train.config import TrainConfig
from plait.types import Column, Modality

QUIET = Progress(show=False)
CONFIG = FitConfig(
    folds=3, trees=TreesConfig(rounds=5), train=TrainConfig(epochs=5, least_steps=20)
)
IMAGE = Source("photo", "image", (Column("photo", Modality.IMAGE),))
TEXT = Source("title", "text", (Column("title", Modality.TEXT),))
TABLE = Source("table", "table", (Column("price", Modality.NUMBER),))


def test_the_line_up() -> None:
    names = [e.name for e in line_up((IMAGE, TEXT, TABLE), ["classify"], ["gated"], ["product"])]
    models = ["photo", "title", "table", "table, linear", "gated", "trees"]
    assert names == [*models, "product", "blend"]
    regress = [
        e.name for e in line_up((IMAGE, TEXT), ["regress"], ["mean"], ["product", "average"])
    ]
    assert regress == ["photo", "title", "mean", "trees", "average", "blend"]
    alone = [e.name for e in line_up((TABLE,), ["classify"], ["mean"], ["average"])]
    assert alone == ["table", "table, linear", "concat", "blend"]
    back = Source("back", "image", (Column("back", Modality.IMAGE),))
    assert line_up((IMAGE, back), ["classify"], [], [])[0].name == "image (2 columns)"
    asked = ["comparison", "concat"]
    two = [e.name for e in line_up((IMAGE, back), ["classify"], asked, ["average"])]
    assert two == ["image (2 columns)", "comparison", "trees", "blend"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="Fusion 'gate' is not known. Did you mean 'gated'"):
        line_up((IMAGE, TEXT), ["classify"], ["gate"], [])
    with pytest.raises(ConfigError, match="Combiner 'avg' is not known"):
        line_up((IMAGE, TEXT), ["classify"], [], ["avg"])


@pytest.fixture(scope="module")
def held(things: Path) -> tuple[Problem, tuple[Entrant, ...], Contest]:
    config = replace(CONFIG, drop=0.0)
    setup = set_up(things, "kind", {}, ["price"], None, config, QUIET)
    entrants = line_up(setup.problem.sources, ["classify"], ["concat"], list(COMBINERS))
    seen: list[int] = []
    contest = hold(setup.problem, setup.split.folds, entrants, config, seen.append)
    assert sum(seen) == 3 * len(entrants)
    return setup.problem, entrants, contest


def test_every_row_is_judged_once_by_everyone(held) -> None:
    problem, entrants, contest = held
    assert len(contest.judged) == len(problem.truth) == 160
    for entrant in entrants:
        scores = contest.outcomes[entrant.name].scores
        assert scores.shape == (160, 4)
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_a_combiner_never_learns_from_the_rows_it_is_judged_on(held) -> None:
    problem, entrants, contest = held
    stacking = next(e for e in entrants if e.name == "stacking")
    first = contest.fold_of == 0
    truth = problem.truth.copy()
    truth[first] = np.roll(truth[first], 1, axis=1)  # all wrong, in the first fold alone
    twisted = Problem(**{**vars(problem), "truth": truth})
    members = {name: contest.outcomes[name] for name in stacking.members}
    again = Contest({**members, "stacking": Outcome(np.full((160, 4), np.nan))}, contest.fold_of)
    from plait.ensemble.contest import _judge_combiner

    _judge_combiner(twisted, again, stacking, 0)
    before, after = contest.outcomes["stacking"].scores, again.outcomes["stacking"].scores
    np.testing.assert_array_equal(before[first], after[first])
    assert np.abs(before[~first] - after[~first]).max() > 1e-3


def test_parts_of_one_hold_out_keep_groups_together() -> None:
    groups = np.repeat(np.arange(20), 3)
    parts = _chunks(np.zeros(60), groups, seed=0)
    assert set(parts) == {0, 1, 2, 3, 4}
    for group in range(20):
        assert len(set(parts[groups == group])) == 1
    np.testing.assert_array_equal(_chunks(np.arange(60) % 3, groups, 0), np.arange(60) % 3)


def board_of(scores: dict[str, np.ndarray], truth: np.ndarray, groups: np.ndarray) -> Board:
    target = Target("y", "classify", ("a", "b"), (0.5, 0.5))
    levels = {"single": ("one", "two")}
    entrants = [
        Entrant(name, "single" if name in levels["single"] else "feature", "network", ("x",))
        for name in scores
    ]
    outcomes = {name: Outcome(values, 1.0, 0.5, 2_000_000) for name, values in scores.items()}
    problem = Problem((), {}, {}, target, truth, groups)
    return make_board(
        problem, entrants, Contest(outcomes, np.zeros(len(truth), int)), "accuracy", 0
    )


def test_the_board_says_whether_combining_helped() -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(2)[rng.integers(0, 2, 400)]

    def right(share: float) -> np.ndarray:
        wrong = rng.random(400) > share
        return np.where(wrong[:, None], 1 - truth, truth)

    one, two, both = right(0.7), right(0.6), right(0.9)
    rows = np.arange(400)
    board = board_of({"one": one, "two": two, "joint": both}, truth, rows)
    assert (board.best_single, board.winner) == ("one", "joint")
    line = board["joint"]
    assert line.gain.value == pytest.approx(line.score.value - board["one"].score.value)
    assert line.rows_per_second == pytest.approx(800)
    assert line.megabytes == pytest.approx(2)
    assert board.sentence.startswith("Combining modalities helped: joint accuracy 0.9")
    same = board_of({"one": one, "two": two, "joint": one}, truth, rows)
    assert "made no difference" in same.sentence
    assert same.winner == "one"  # the simplest among equals
    worse = board_of({"one": both, "two": two, "joint": one}, truth, rows)
    assert worse.sentence.startswith("Combining modalities hurt")
    wide = board_of({"one": one, "two": two, "joint": both}, truth, rows // 20)
    assert wide["joint"].score.high - wide["joint"].score.low > 0
    assert wide["joint"].gain.p >= line.gain.p


def test_an_absent_modality_scores_the_prior(things: Path) -> None:
    table = plait.read(things)
    photos = [None if row % 2 else photo for row, photo in enumerate(table.values("photo"))]
    table = table.with_column("photo", photos).drop(["price", "weight"])
    setup = set_up(table, "kind", {}, [], None, CONFIG, QUIET)
    entrants = line_up(setup.problem.sources, ["classify"], ["concat"], ["average"])
    contest = hold(setup.problem, setup.split.folds, entrants, CONFIG, lambda done: None)
    absent = np.arange(160) % 2 == 1
    assert np.isnan(contest.outcomes["photo"].scores[absent]).all()
    np.testing.assert_array_equal(
        contest.outcomes["average"].scores[absent], contest.outcomes["text"].scores[absent]
    )
    board = make_board(setup.problem, entrants, contest, "accuracy", 0)
    assert all(np.isfinite(line.score.value) for line in board.lines)
