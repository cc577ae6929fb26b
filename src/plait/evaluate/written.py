"""Texts that were written beside those that people wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.data.quality import Ledger
from plait.evaluate.run import evaluate
from plait.metrics.text import TEXT_METRICS
from plait.metrics.uncertainty import Interval, interval, resample_counts
from plait.tasks.target import Target, known

VOTES = 4
"""Answers of people to a question, under which VQA accuracy says little: it compares with others
than each of them."""

SHORT = 3
"""Most words of a text that is an answer: these are right or wrong."""


@dataclass(frozen=True)
class Texts:
    """What was written of the rows of a table.

    Attributes:
        target: the column.
        candidates: of each row one text or more, the most probable first; none where a row had
            nothing to go by.
        confidence: (n) geometric mean of the probabilities of the tokens of the first; NaN where
            there is none.
        skipped: cells that could not be read; they were taken as missing.
        absent: columns that are read and the table does not have, missing in every row.
        others: of targets beside the text, the predicted class, labels or number of each row.
    """

    target: str
    candidates: tuple[tuple[str, ...], ...]
    confidence: np.ndarray
    skipped: Ledger = field(default_factory=Ledger)
    absent: tuple[str, ...] = ()
    others: Mapping[str, list[Any]] = field(default_factory=dict)

    @property
    def values(self) -> list[str | None]:
        """The first text of each row; None where there is none."""
        return [own[0] if own else None for own in self.candidates]

    def __len__(self) -> int:
        return len(self.candidates)


@dataclass(frozen=True)
class WrittenEvaluation:
    """The scores of one model's texts.

    Attributes:
        target: the column.
        metric: the one that decides.
        rows: that were written, each judged by all texts that are there for the same inputs.
        scores: each metric with its 95 % interval.
        left_out: rows without a known text.
        examples: some of the texts: what was written, and what people wrote.
        others: the first metric of each target beside the text: `kind accuracy`.
    """

    target: str
    metric: str
    rows: int
    scores: Mapping[str, Interval]
    left_out: int = 0
    examples: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
    others: Mapping[str, Interval] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> float:
        return self.scores[metric].value


def deciding(texts: Sequence[str]) -> str:
    """Return the metric that decides: right or wrong for answers of few words, CIDEr for more."""
    return "exact_match" if _short([texts]) else "cider"


def _short(references: Sequence[Sequence[str]]) -> bool:
    """Return whether most texts are of few words."""
    return bool(np.mean([len(t.split()) <= SHORT for own in references for t in own]) > 0.5)


def scores_of(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: np.ndarray,
    seed: int,
    thorough: bool = False,
) -> dict[str, tuple[float, np.ndarray]]:
    """Return every metric's value, and (resamples) values of it on rows that were drawn again.

    VQA accuracy is left out where people gave few answers a row, or none of few words.

    Args:
        candidates: (n) texts that were written; empty where there is none.
        references: (n) lists of texts that people wrote.
        groups: (n) numbers of rows that belong together; they are drawn whole.
        seed: of the draws; the same rows are drawn for the same groups, so that gains are paired.
        thorough: take in what needs further packages and seconds, METEOR, where it can be had.
    """
    counts = resample_counts(groups, seed)
    found = {}
    few = min(map(len, references), default=0) < VOTES or not _short(references)
    for name, metric in TEXT_METRICS.items():
        wanted = (thorough and metric.available) or not metric.needs
        if wanted and not (few and name == "vqa_accuracy"):
            statistics = metric.statistics(candidates, references)
            found[name] = (metric.of_all(statistics), metric.draws(statistics, counts))
    return found


def evaluate_written(
    target: str,
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: np.ndarray,
    seed: int = 0,
    thorough: bool = False,
) -> WrittenEvaluation:
    """Return every metric of texts with its 95 % interval; takes what `scores_of` takes."""
    scores = {
        name: interval(value, draws)
        for name, (value, draws) in scores_of(
            candidates, references, groups, seed, thorough
        ).items()
    }
    metric = deciding([text for own in references for text in own])
    shown = tuple((c, tuple(r)) for c, r in zip(candidates[:5], references[:5], strict=True))
    return WrittenEvaluation(target, metric, len(candidates), scores, examples=shown)


def judge_others(target: Target, truth: np.ndarray, scores: np.ndarray) -> dict[str, Interval]:
    """Return the first metric of each target beside the text, on the rows of which it is known.

    Args:
        target: all of them as one.
        truth: (n c), as `Target.encode` gives it.
        scores: (n c), as the model gives them.
    """
    found = {}
    for part, own in target.each:
        rows = known(truth[:, own])
        if rows.any():
            result = evaluate(part, truth[rows, own], scores[rows, own])
            name, score = next(iter(result.scores.items()))
            found[f"{part.name} {name}"] = score
    return found


def read_evaluation(values: Mapping[str, Any]) -> WrittenEvaluation:
    """Return an evaluation from its JSON, in which what is no number stands as null."""
    scores, others = (
        {
            name: Interval(*(float("nan") if v is None else v for v in own.values()))
            for name, own in values.get(part, {}).items()
        }
        for part in ("scores", "others")
    )
    examples = tuple((written, tuple(known)) for written, known in values["examples"])
    made = {"scores": scores, "others": others, "examples": examples}
    return WrittenEvaluation(**{**values, **made})
