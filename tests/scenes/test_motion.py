"""What things do in a clip is what is to be seen and heard."""

from __future__ import annotations

import numpy as np
import pytest

from plait.errors import ConfigError
from plait.scenes.compose import Thing, plain_ground
from plait.scenes.motion import (
    FRAMES,
    RATE,
    SOUND_RATE,
    TONES,
    Move,
    animate,
    moved,
    paths,
    sound_of,
)

BLOCK = np.zeros((20, 20, 4), np.uint8)
BLOCK[3:17, 3:17] = (250, 20, 20, 255)

THINGS = [Thing(name, "toy", "red", BLOCK) for name in ("one", "two", "three")]


@pytest.mark.parametrize(("way", "step"), [("left", (0, -25)), ("down", (25, 0)), ("up", (-25, 0))])
def test_a_thing_goes_a_quarter_of_the_way_in_its_turn(way: str, step: tuple[int, int]) -> None:
    found = paths([Move(1, way, 0, "low"), Move(0, "right", 0, "high")], 3, 96)
    assert (found[0] == 0).all()
    assert tuple(found[7, 1]) == tuple(found[15, 1]) == step
    assert (np.abs(np.diff(found[:, 1], axis=0)).sum(axis=1)[:6] >= 4).all()
    assert (found[:8, 0] == 0).all()
    assert tuple(found[15, 0]) == (0, 25)
    assert (found[:, 2] == 0).all()


@pytest.mark.parametrize("jumps", [1, 2, 3])
def test_a_jump_is_a_frame_up_and_a_frame_down(jumps: int) -> None:
    heights = paths([Move(0, "", jumps, "low")], 1, 100)[:, 0, 0]
    assert heights.tolist() == [0] + [-14, 0] * jumps + [0] * (FRAMES - 1 - 2 * jumps)


def test_nothing_meets_or_leaves_and_only_movers_move() -> None:
    moves = [Move(2, "left", 0, "low"), Move(0, "up", 0, "high")]
    for seed in range(20):
        random = np.random.default_rng(seed)
        found = animate(plain_ground(96, random), THINGS, moves, (24, 28), random)
        assert found.frames.shape == (FRAMES, 96, 96, 3)
        assert found.things == tuple(THINGS)
        masks = np.stack([scene.masks for scene in found.scenes])
        sizes = masks.sum(axis=(2, 3))
        assert (sizes == sizes[0]).all()  # a thing that was covered or cut would lose pixels
        still = (masks == masks[0]).all(axis=(2, 3))
        assert still[:, 1].all()
        assert still[0].all()
        assert not still[3, 2]
        assert still[7, 0]
        assert not still[9, 0]


def test_no_room_to_move_is_said() -> None:
    random = np.random.default_rng(0)
    moves = [Move(0, "up", 0, "low"), Move(1, "left", 0, "high")]
    with pytest.raises(ConfigError, match="No room was found for 3 things that move"):
        animate(plain_ground(66, random), THINGS, moves, (30, 30), random)


def test_a_tone_is_heard_in_its_turn() -> None:
    sound = sound_of([Move(0, "up", 0, "high"), Move(1, "", 1, "middle")])
    frames = sound.reshape(FRAMES, SOUND_RATE // RATE)
    loud = np.abs(frames).max(axis=1) > 0.1
    assert loud.tolist() == [False] + [True] * 6 + [False] + [True] * 6 + [False] * 2
    assert np.abs(sound).max() <= 0.4
    for frame, tone in ((3, "high"), (10, "middle")):
        peak = np.abs(np.fft.rfft(frames[frame])).argmax() * RATE
        assert abs(peak - TONES[tone]) <= RATE


def test_moved() -> None:
    assert moved((1, 2, 3, 4), 10, -1) == (11, 1, 13, 3)
