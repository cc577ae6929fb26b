"""Questions chosen so that neither the picture nor the question alone knows the answers."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from plait.scenes.held import Combination
from plait.scenes.questions import Question

Asked = list[tuple[str, Question]]
"""Questions with their types."""

Used = Counter[tuple[str, str]]
"""How often each answer to a form was asked for already."""

Medium = TypeVar("Medium")
"""What is asked about: a scene, or things in motion."""


@dataclass(frozen=True, eq=False)
class Asking(Generic[Medium]):
    """A scene or clip, and what is asked about it.

    Attributes:
        medium: itself.
        asked: questions with their types.
        split: `train` or `test`.
        combination: `seen`, or `new` where every question needs one that is held out of training.
    """

    medium: Medium
    asked: Asked
    split: str
    combination: str


def two_each(
    found: Mapping[str, Iterable[Question]],
    held: Collection[Combination],
    new: bool,
    used: Used,
    random: np.random.Generator,
) -> Asked:
    """Return two questions of each type that differ in their answers, rare answers first.

    Two, so that the picture alone cannot know the answer, whatever it shows; rare ones first, so
    that the question alone cannot; as like as they can be, so that half a question cannot. Types
    without two answers are left out.

    Args:
        found: all that can be asked, by type.
        held: combinations that are held out of training.
        new: whether all questions need one of these, or none does.
        used: how often each answer was asked for.
        random: what is drawn from.
    """
    asked = []
    for kind, questions in found.items():
        forms: dict[str, dict[str, list[Question]]] = {}
        for question in questions:
            if (question.needs in held) == new:
                forms.setdefault(question.form, {}).setdefault(question.answer, []).append(question)
        rich = [(form, answers) for form, answers in forms.items() if len(answers) > 1]
        if rich:
            form, answers = rich[random.integers(len(rich))]
            order = [list(answers)[number] for number in random.permutation(len(answers))]
            rare, next_rare = sorted(order, key=lambda answer: used[form, answer])[:2]
            asked += [(kind, one) for one in _pair(answers[rare], answers[next_rare], random)]
    return asked


def _pair(
    ones: list[Question], others: list[Question], random: np.random.Generator
) -> tuple[Question, Question]:
    """Return one of each, which share as many words as any two do."""
    pairs = list(itertools.product(ones, others))
    shared = [len(one.words.items() & other.words.items()) for one, other in pairs]
    alike = [pair for pair, count in zip(pairs, shared, strict=True) if count == max(shared)]
    return alike[random.integers(len(alike))]
