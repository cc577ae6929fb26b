"""The floors, by hand."""

from __future__ import annotations

from plait.scenes.floors import Floor, floors


def row(
    picture: str, question: str, answer: str, split: str, combination: str = "seen"
) -> dict[str, str]:
    return {
        "picture": picture, "question": question, "answer": answer, "type": "count",
        "split": split, "combination": combination,
    }  # fmt: skip


def test_floors() -> None:
    rows = [
        row("1", "how many dogs?", "2", "train"),
        row("1", "how many cats?", "1", "train"),
        row("2", "how many dogs?", "2", "train"),
        row("3", "how many cats?", "1", "test"),
        row("3", "how many dogs?", "3", "test"),
        row("4", "how many dogs?", "2", "test"),
        row("4", "how many owls?", "2", "test"),
        row("5", "how many owls?", "1", "test", "new"),
    ]
    new, seen = floors(rows, "picture")
    assert seen == Floor("count", "seen", 4, constant=0.5, question=0.75, medium=0.75)
    assert new == Floor("count", "new", 1, constant=0.0, question=0.0, medium=1.0)
