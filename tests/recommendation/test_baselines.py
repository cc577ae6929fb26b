"""Popularity and neighbours of items, against a hand computation."""

from __future__ import annotations

import numpy as np

from plait.data.interactions import Interactions
from plait.recommendation.baselines import by_neighbours, item_neighbours, popularity

# Four users, five items; nobody chose item 4.
WHO = [{0, 1, 2}, {0, 1}, {1, 2, 3}, {0, 3}]


def choices() -> Interactions:
    pairs = [(user, item) for user, own in enumerate(WHO) for item in sorted(own)]
    user, item = np.array(pairs).T
    return Interactions(user, item, np.arange(len(user)) * 1.0, tuple("abcd"), tuple("vwxyz"))


def test_popularity_counts() -> None:
    assert popularity(choices()).tolist() == [3, 3, 2, 2, 0]


def test_cosines_of_items_by_who_chose_them() -> None:
    near = item_neighbours(choices(), 10).toarray()
    users = [{user for user, own in enumerate(WHO) if item in own} for item in range(5)]
    for one in range(5):
        for other in range(5):
            size = np.sqrt(len(users[one]) * len(users[other]))
            both = len(users[one] & users[other])
            expected = both / size if size and one != other else 0.0
            assert abs(near[one, other] - expected) < 1e-12
    assert abs(near[0, 1] - 2 / 3) < 1e-12
    assert abs(near[2, 3] - 1 / 2) < 1e-12


def test_each_item_keeps_its_nearest() -> None:
    whole, near = item_neighbours(choices(), 10).toarray(), item_neighbours(choices(), 1).toarray()
    assert (near > 0).sum(axis=1).tolist() == [1, 1, 1, 1, 0]
    assert near.argmax(axis=1)[:4].tolist() == [1, 2, 1, 2]
    np.testing.assert_array_equal(near.max(axis=1), whole.max(axis=1))
    assert not np.array_equal(near, near.T)


def test_scores_are_sums_over_the_history() -> None:
    near, popular = item_neighbours(choices(), 10), popularity(choices())
    found = by_neighbours(near, popular, [np.array([0, 2]), np.zeros(0, dtype=np.int64)])
    whole = near.toarray()
    np.testing.assert_allclose(found[0], whole[0] + whole[2], atol=1e-5)
    assert np.argsort(-found[1], kind="stable").tolist() == [0, 1, 2, 3, 4]  # a new user: popular
