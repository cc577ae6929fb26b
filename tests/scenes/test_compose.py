"""Things lie where they were put, apart, and their masks say where they are seen."""

from __future__ import annotations

import numpy as np
import pytest

from plait.errors import ConfigError
from plait.scenes.compose import (
    Thing,
    box_of,
    boxes_meet,
    compose,
    noisy_ground,
    place_boxes,
    plain_ground,
)

RED = np.zeros((8, 8, 4), np.uint8)
RED[2:6, 1:7] = (255, 0, 0, 255)
RED[2, 1:5] = 0  # so that it is not the same upside down


def test_masks_are_where_the_picture_has_changed() -> None:
    ground = np.full((40, 60, 3), 100, np.uint8)
    scene = compose(
        ground, [Thing("block", "toy", "red", RED)] * 2, [(0, 0, 8, 8), (16, 40, 32, 56)]
    )
    assert scene.boxes.tolist() == [[2, 1, 6, 7], [20, 42, 28, 54]]
    inside = scene.masks.any(axis=0)
    assert (scene.picture[inside][:, 0] > 150).all()
    far = np.ones_like(inside)
    far[:9, :9] = far[15:33, 39:57] = False
    assert (scene.picture[far] == 100).all()
    assert scene.things[0].phrase == "red block"


def test_what_lies_over_another_hides_it() -> None:
    ground = np.zeros((20, 20, 3), np.uint8)
    scene = compose(ground, [Thing("block", "toy", "", RED)] * 2, [(0, 0, 8, 8), (2, 2, 10, 10)])
    assert not (scene.masks[0] & scene.masks[1]).any()
    assert scene.masks[1].sum() == 20
    assert scene.masks[0].sum() == 20 - 4  # of row 5, columns 3 to 6
    assert scene.things[0].phrase == "block"


def test_boxes_do_not_meet_and_lie_inside() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        boxes = place_boxes(6, 100, (15, 30), random)
        assert len(boxes) == 6
        for number, box in enumerate(boxes):
            assert min(box) >= 0
            assert max(box) <= 100
            assert 15 <= box[2] - box[0] == box[3] - box[1] <= 30
            assert not any(boxes_meet(box, other) for other in boxes[:number])
    sizes = {box[2] - box[0] for _ in range(200) for box in place_boxes(1, 100, (15, 18), random)}
    assert sizes == {15, 16, 17, 18}


def test_boxes_meet_where_they_share_a_pixel() -> None:
    assert boxes_meet((0, 0, 5, 5), (4, 4, 6, 6))
    assert not boxes_meet((0, 0, 5, 5), (5, 0, 6, 5))
    assert not boxes_meet((0, 0, 5, 5), (0, 5, 5, 6))


def test_no_room_is_said() -> None:
    with pytest.raises(ConfigError, match=r"No room was found for 5 things of 30 to 30 pixels"):
        place_boxes(5, 60, (30, 30), np.random.default_rng(0))


def test_the_smallest_box() -> None:
    mask = np.zeros((9, 9), bool)
    mask[3, 2] = mask[5, 7] = True
    assert box_of(mask) == (3, 2, 6, 8)


def test_grounds_are_grey_or_noisy() -> None:
    for seed in range(20):
        plain = plain_ground(64, np.random.default_rng(seed)).astype(int)
        assert np.ptp(plain, axis=-1).max() <= 24  # hardly any colour
        assert np.abs(np.diff(plain, axis=0)).max() <= 1  # and no edges
    noisy = noisy_ground(64, np.random.default_rng(0)).astype(int)
    assert 6 < np.diff(noisy, axis=0).std() / np.sqrt(2) < 9
