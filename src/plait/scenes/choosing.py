"""Questions chosen so that neither the picture nor the question alone knows the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from plait.scenes.questions import Question

Asked = list[tuple[str, Question]]
"""Questions with their types."""

Used = Counter[tuple[str, str]]
"""How often each answer to a form was asked for already."""


def two_each(
    found: Mapping[str, Iterable[Question]],
    wanted: Callable[[Question], bool],
    used: Used,
    random: np.random.Generator,
) -> Asked:
    """Return two questions of each type that differ in their answers, rare answers first.

    Two, so that the picture alone cannot know the answer, whatever it shows; rare ones first, so
    that the question alone cannot. Types without two answers are left out.

    Args:
        found: all that can be asked, by type.
        wanted: whether a question may be asked.
        used: how often each answer was asked for.
        random: what is drawn from.
    """
    asked = []
    for kind, questions in found.items():
        forms: dict[str, dict[str, list[Question]]] = {}
        for question in filter(wanted, questions):
            forms.setdefault(question.form, {}).setdefault(question.answer, []).append(question)
        rich = [(form, answers) for form, answers in forms.items() if len(answers) > 1]
        if rich:
            form, answers = rich[random.integers(len(rich))]
            order = [list(answers)[number] for number in random.permutation(len(answers))]
            for answer in sorted(order, key=lambda one: used[form, one])[:2]:
                choices = answers[answer]
                asked.append((kind, choices[random.integers(len(choices))]))
    return asked
