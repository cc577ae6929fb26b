"""Short clips of things that move one after the other, each to a tone of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.errors import ConfigError
from plait.scenes.compose import TRIES, Box, Scene, Thing, boxes_meet, compose, place_boxes

FRAMES = 16
"""Of a clip: one before all, then a turn for each that moves, and the last stays."""

TURN = 7
"""Frames of a turn."""

BUSY = 6
"""Frames from the beginning of a turn in which things move, and its tone is heard."""

RATE = 8
"""Frames a second."""

SOUND_RATE = 16_000
"""Samples a second."""

TONES = {"low": 300.0, "middle": 700.0, "high": 1600.0}
"""Hertz."""

WAYS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
"""Steps down and to the right."""

FAR, HIGH = 0.26, 0.14
"""How far a thing goes, and how high it jumps, as a share of the picture's side."""


@dataclass(frozen=True)
class Move:
    """What a thing does in its turn.

    Attributes:
        thing: its number.
        way: one of `WAYS`, or empty where it jumps.
        jumps: how often it jumps, up to 3; 0 where it goes.
        tone: one of `TONES`, heard in its turn, however often it jumps.
    """

    thing: int
    way: str
    jumps: int
    tone: str

    def steps(self, side: int) -> np.ndarray:
        """Return (TURN 2) pixels down and right of where the thing began, by frame of its turn.

        A jump is a frame up and a frame down, so it is only seen where every frame is looked at.
        """
        found = np.zeros((TURN, 2), int)
        if self.jumps:
            found[: 2 * self.jumps : 2, 0] = -round(HIGH * side)
        else:
            share = np.minimum(np.arange(1, TURN + 1) / BUSY, 1)
            found = np.rint(share[:, None] * np.array(WAYS[self.way]) * FAR * side).astype(int)
        return found


@dataclass(frozen=True, eq=False)
class Motion:
    """A clip, the things in it, and what they do.

    Attributes:
        scenes: one a frame, with the same things.
        moves: in their order in time.
        sound: (t) float32, a tone a turn.
    """

    scenes: tuple[Scene, ...]
    moves: tuple[Move, ...]
    sound: np.ndarray

    @property
    def frames(self) -> np.ndarray:
        """(t h w 3) uint8."""
        return np.stack([scene.picture for scene in self.scenes])

    @property
    def things(self) -> tuple[Thing, ...]:
        """In the order of their numbers."""
        return self.scenes[0].things


def paths(moves: Sequence[Move], count: int, side: int) -> np.ndarray:
    """Return (FRAMES count 2) pixels down and right of where each thing began, by frame."""
    found = np.zeros((FRAMES, count, 2), int)
    for turn, move in enumerate(moves):
        start = 1 + turn * TURN
        steps = move.steps(side)
        found[start : start + TURN, move.thing] = steps
        found[start + TURN :, move.thing] = steps[-1]
    return found


def animate(
    ground: np.ndarray,
    things: Sequence[Thing],
    moves: Sequence[Move],
    sizes: tuple[int, int],
    random: np.random.Generator,
) -> Motion:
    """Return a clip in which no thing ever meets another or the edge.

    Args:
        ground: (h h 3) uint8.
        things: of which some move.
        moves: in their order in time, at most two.
        sizes: the smallest and the largest side of a thing, in pixels.
        random: what places are drawn from.

    Raises:
        ConfigError: when no room for them was found.
    """
    side = len(ground)
    offsets = paths(moves, len(things), side)
    for _ in range(TRIES):
        boxes = place_boxes(len(things), side, sizes, random)
        if _free(boxes, offsets, side):
            break
    else:
        raise ConfigError(
            f"No room was found for {len(things)} things that move in a clip of {side} pixels; "
            "ask for a larger one."
        )
    scenes = [
        compose(ground, things, [moved(box, *step) for box, step in zip(boxes, steps, strict=True)])
        for steps in offsets.tolist()
    ]
    return Motion(tuple(scenes), tuple(moves), sound_of(moves))


def moved(box: Box, down: int, right: int) -> Box:
    """Return a box at another place."""
    return box[0] + down, box[1] + right, box[2] + down, box[3] + right


def _free(boxes: Sequence[Box], offsets: np.ndarray, side: int) -> bool:
    """Return whether all that things pass over lies in the picture, and apart from the others'."""
    low, high = offsets.min(axis=0).tolist(), offsets.max(axis=0).tolist()
    swept = [
        (*moved(box, *least)[:2], *moved(box, *most)[2:])
        for box, least, most in zip(boxes, low, high, strict=True)
    ]
    inside = all(min(box) >= 0 and max(box) <= side for box in swept)
    return inside and not any(
        boxes_meet(one, other) for place, one in enumerate(swept) for other in swept[:place]
    )


def sound_of(moves: Sequence[Move]) -> np.ndarray:
    """Return (t) float32 near -1..1: each one's tone in its turn, softly begun and ended."""
    per_frame = SOUND_RATE // RATE
    found = np.zeros(FRAMES * per_frame, np.float32)
    for turn, move in enumerate(moves):
        start, length = (1 + turn * TURN) * per_frame, BUSY * per_frame
        times = np.arange(length)
        fade = np.minimum(1, np.minimum(times, length - 1 - times) / (0.01 * SOUND_RATE))
        wave = np.sin(2 * np.pi * TONES[move.tone] * times / SOUND_RATE)
        found[start : start + length] = 0.4 * fade * wave
    return found
