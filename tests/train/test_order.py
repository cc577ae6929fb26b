"""The order of an epoch: every row once, rows of one picture side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from plait.data.referred import Referred
from plait.train.order import costly_contents, order_of, side_by_side
from plait.train.step import Lesson
from plait.types import Raw

HELD = torch.arange(60) % 12  # five rows of each of twelve pictures


def lesson(contents: torch.Tensor = HELD, referred: bool = True) -> Lesson:
    count = len(contents)
    samples = [np.zeros(1)] * (int(contents.max()) + 1)
    held = Referred(samples, contents.numpy()) if referred else [np.zeros(1)] * count
    raw = Raw(held, torch.arange(count), contents >= 0, contents)
    words = Raw(["a"] * count, torch.arange(count), torch.ones(count).bool(), contents * 0)
    target = torch.nn.functional.one_hot(torch.arange(count) % 3, 3).float()
    return Lesson({"photo": raw, "words": words}, target, torch.ones(count))


def order(own: Lesson, seed: int = 0, balanced: bool = False, together: int = 10) -> torch.Tensor:
    rows = torch.arange(len(own.target))
    return order_of(own, rows, balanced, together, torch.Generator().manual_seed(seed))


def test_rows_of_a_picture_follow_one_another() -> None:
    found = order(lesson())
    assert sorted(found.tolist()) == list(range(60))
    assert len({tuple(own.tolist()) for own in HELD[found].split(5)}) == 12
    assert all(len(own.unique()) == 1 for own in HELD[found].split(5))


def test_pictures_and_their_rows_come_by_chance() -> None:
    one, other = order(lesson(), 0), order(lesson(), 1)
    assert one.equal(order(lesson(), 0))
    assert not HELD[one].equal(HELD[other])
    assert not one[:5].equal(one[:5].sort().values)


def test_without_repeats_or_unasked_it_is_the_order_drawn() -> None:
    drawn = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    assert order(lesson(), together=1).equal(drawn)
    assert order(lesson(referred=False)).equal(drawn)
    assert order(lesson(torch.arange(60))).equal(drawn)
    assert order(lesson(HELD * 0 - 1)).equal(drawn)  # none has a picture


def test_classes_stay_equally_frequent() -> None:
    found = order(lesson(), balanced=True)
    assert len(found) == 60
    assert len(found.unique()) < 60
    assert int((HELD[found].diff() != 0).sum()) < 25  # by chance 55


def test_many_rows_of_a_picture_come_in_even_runs() -> None:
    """Ten a run at most: twelve become two of six, apart but by chance."""
    contents = torch.randperm(2400, generator=torch.Generator().manual_seed(0)) % 200
    own = contents[side_by_side(contents, 10)]
    ends = torch.cat([(own.diff() != 0).nonzero()[:, 0], torch.tensor([len(own) - 1])])
    lengths = ends.diff(prepend=torch.tensor([-1]))
    assert set(lengths.tolist()) <= {6, 12}
    assert (lengths == 6).float().mean() > 0.9


def test_of_several_columns_the_one_that_repeats_most() -> None:
    own = lesson()
    sounds = Raw(Referred([1] * 60, np.arange(60)), torch.arange(60), torch.ones(60).bool(),
                 torch.arange(60))  # fmt: skip
    both = Lesson({"sound": sounds, **own.rows}, own.target, own.weight)
    assert costly_contents(both) is HELD
    few = torch.where(torch.arange(60) < 3, torch.arange(60), -1)  # the least different numbers
    rare = replace(sounds, contents=few)
    assert costly_contents(Lesson({"sound": rare, **own.rows}, own.target, own.weight)) is HELD
    assert costly_contents(Lesson({"words": own.rows["words"]}, own.target, own.weight)) is None
