"""What can be answered without looking, or without being asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, str]
"""Of a table of questions: its medium (`picture` or `clip`), `question`, `answer`, `type`, `split`
and `combination`."""


@dataclass(frozen=True)
class Floor:
    """The accuracy on test rows of those who see less than all.

    Attributes:
        type: of the questions.
        combination: `seen` or `new`.
        rows: how many questions.
        constant: of the answer that is most frequent in training for this type.
        question: of the answer that is most frequent in training for the same words; where they
            were never seen, of the constant.
        medium: the most that anybody can reach who sees the picture or clip and knows the type, but
            not the question: its most frequent answer, were it known.
    """

    type: str
    combination: str
    rows: int
    constant: float
    question: float
    medium: float


def floors(rows: Sequence[Row], medium: str) -> list[Floor]:
    """Return the floors by type, of combinations seen in training and of new ones.

    Args:
        rows: of a table of questions.
        medium: the column of the pictures or clips.
    """
    train = [row for row in rows if row["split"] == "train"]
    by_type = _most_frequent((row["type"], row["answer"]) for row in train)
    by_words = _most_frequent((row["question"], row["answer"]) for row in train)
    parts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["split"] == "test":
            parts[row["type"], row["combination"]].append(row)
    found = []
    for (kind, combination), part in sorted(parts.items()):
        constant = by_type.get(kind)
        words = [by_words.get(row["question"], constant) for row in part]
        best: dict[str, Counter[str]] = defaultdict(Counter)
        for row in part:
            best[row[medium]][row["answer"]] += 1
        found.append(
            Floor(
                kind, combination, len(part),
                sum(row["answer"] == constant for row in part) / len(part),
                sum(row["answer"] == word for row, word in zip(part, words, strict=True))
                / len(part),
                sum(max(answers.values()) for answers in best.values()) / len(part),
            )
        )  # fmt: skip
    return found


def _most_frequent(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the most frequent second of each first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for first, second in pairs:
        counts[first][second] += 1
    return {first: counter.most_common(1)[0][0] for first, counter in counts.items()}
