"""The board of a contest: every entrant's score with its interval, its gain, its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plait.ensemble.contest import Contest, Problem
from plait.ensemble.entrants import Entrant
from plait.ensemble.race import Dropped, remaining
from plait.evaluate.run import metrics_of
from plait.metrics.uncertainty import Gain, Interval, gain, interval, resample_counts


@dataclass(frozen=True)
class Line:
    """One entrant on the board.

    Attributes:
        name: of the entrant.
        level: `single`, `feature`, `trees` or `decision`.
        score: of the deciding metric.
        others: every other metric of the task.
        gain: over the best single modality, on the same rows; None for single modalities.
        fit_seconds: to fit it, preparation and encoders included, mean of the folds, by the clock;
            others may have learned beside it.
        rows_per_second: that it predicts, from files to scores.
        megabytes: of its encoders and experts.
    """

    name: str
    level: str
    score: Interval
    others: Mapping[str, float]
    gain: Gain | None
    fit_seconds: float
    rows_per_second: float
    megabytes: float


@dataclass(frozen=True)
class Board:
    """All entrants of a contest, judged on the same held-out rows.

    Attributes:
        metric: the one that decides.
        higher: whether higher is better.
        lines: in the order of the line-up.
        best_single: name of the best single modality.
        winner: name of the best of all; among equals the first, which is the simplest.
        rows: how many rows were judged.
        folds: in how many folds.
        chance: the score of saying the same of every row: shares of the classes, or the mean. None
            where the metric cannot score that.
        skill: of the winner over that, on the same rows.
        dropped: who left the contest early, and why.
    """

    metric: str
    higher: bool
    lines: tuple[Line, ...]
    best_single: str
    winner: str
    rows: int
    folds: int
    chance: float | None = None
    skill: Gain | None = None
    dropped: tuple[Dropped, ...] = ()

    def __getitem__(self, name: str) -> Line:
        return next(line for line in self.lines if line.name == name)

    @property
    def sentence(self) -> str:
        """Whether combining modalities helped, by how much, and whether anything was learned."""
        said = self._combined()
        if self.skill is not None and self.skill.low <= 0:
            said += (
                f" Careful: {self.winner} is not shown to be better than saying the same of every "
                f"row ({self.metric} {self.chance:.3f})."
            )
        return said

    def _combined(self) -> str:
        joint = [line for line in self.lines if line.gain is not None]
        singles = [line for line in self.lines if line.level == "single"]
        if len(singles) < 2:
            best = "" if self.winner == self.best_single else f"; {self.winner} reads it best"
            return f"There is one modality only ({self.best_single}), so nothing to combine{best}."
        top = max(joint, key=lambda line: line.gain.value if line.gain else 0.0)
        found = top.gain
        assert found is not None
        start = (
            f"{top.name} {self.metric} {top.score.value:.3f} against {self.best_single} alone "
            f"{self[self.best_single].score.value:.3f}: {found.value:+.3f} "
            f"[{found.low:+.3f}, {found.high:+.3f}], p = {found.p:.3f}"
        )
        if found.low > 0:
            return f"Combining modalities helped: {start}."
        if found.high < 0:
            return f"Combining modalities hurt: {start}."
        return f"Combining modalities made no difference that {self.rows} rows can show: {start}."


def make_board(
    problem: Problem,
    entrants: Sequence[Entrant],
    contest: Contest,
    metric_name: str,
    seed: int,
) -> Board:
    """Return the board of a contest; all lines are resampled alike, so that gains are paired."""
    entrants = remaining(entrants, contest.dropped)
    metrics = metrics_of(problem.target)
    metric = metrics[metric_name]
    judged = contest.judged
    truth = problem.truth[judged]
    counts = resample_counts(problem.groups[judged], seed)
    scores = {
        e.name: problem.target.fill(contest.outcomes[e.name].scores[judged]) for e in entrants
    }
    values = {name: metric.score(truth, array) for name, array in scores.items()}
    draws = {name: metric.draws(truth, array, counts) for name, array in scores.items()}

    def better(name: str) -> float:
        return metric.sign * values[name]

    best_single = max((e.name for e in entrants if e.level == "single"), key=better)
    winner = max((e.name for e in entrants), key=better)
    folds = len(np.unique(contest.fold_of[judged]))
    lines = []
    for entrant in entrants:
        name, outcome = entrant.name, contest.outcomes[entrant.name]
        apart = metric.sign * (draws[name] - draws[best_single])
        won = metric.sign * (values[name] - values[best_single])
        lines.append(
            Line(
                name,
                entrant.level,
                interval(values[name], draws[name]),
                {
                    other: m.score(truth, scores[name])
                    for other, m in metrics.items()
                    if other != metric_name
                },
                None if entrant.level == "single" else gain(won, apart),
                outcome.fit_seconds / folds,
                len(judged) / max(outcome.predict_seconds, 1e-9),
                outcome.size / 1e6,
            )
        )
    said = problem.target.fill(np.full_like(scores[winner], np.nan))  # the same of every row
    chance = metric.score(truth, said)
    apart = metric.sign * (draws[winner] - metric.draws(truth, said, counts))
    known = bool(np.isfinite(chance))
    return Board(
        metric_name,
        metric.higher,
        tuple(lines),
        best_single,
        winner,
        len(judged),
        folds,
        float(chance) if known else None,
        gain(metric.sign * (values[winner] - chance), apart) if known else None,
        tuple(contest.dropped.values()),
    )
