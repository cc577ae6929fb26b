"""Where things lie as seen from one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plait.scenes.compose import Scene

DIRECTIONS = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}
"""Steps down and to the right."""

CLEAR, UNCLEAR, NOT_THERE = 35.0, 60.0, 80.0
"""Degrees off a direction up to which a thing lies there, from which it is none of those that lie
there, and from which it is wrong to say that it does."""

FURTHER = 1.4
"""Times as far as the nearest thing, from which another is clearly not the nearest."""


@dataclass(frozen=True, eq=False)
class View:
    """What lies in a direction from a thing, by the centres of their boxes.

    Attributes:
        anchor: the number of the thing that is looked from.
        direction: one of `DIRECTIONS`.
        angles: (k) degrees of each thing off the direction; the anchor's is NaN.
        distances: (k) pixels from the anchor; its own is NaN.
    """

    anchor: int
    direction: str
    angles: np.ndarray
    distances: np.ndarray

    def lies_there(self, number: int) -> bool | None:
        """Return whether a thing lies in the direction; None where people could disagree."""
        if self.angles[number] <= CLEAR:
            return True
        return False if self.angles[number] >= NOT_THERE else None

    def nearest(self) -> int | None:
        """Return the thing that is next in the direction; None where people could disagree."""
        (towards,) = np.nonzero(self.angles < UNCLEAR)
        if not len(towards):
            return None
        first, *others = sorted(towards.tolist(), key=self.distances.__getitem__)
        far = FURTHER * self.distances[first]
        clear = self.lies_there(first) and all(self.distances[other] >= far for other in others)
        return first if clear else None


def views(scene: Scene) -> Iterator[View]:
    """Yield every direction from every thing that is alone of its name."""
    boxes = scene.boxes
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    for anchor in alone(scene):
        ways = centres - centres[anchor]
        distances = np.linalg.norm(ways, axis=1)
        distances[anchor] = np.nan
        for direction, step in DIRECTIONS.items():
            angles = np.degrees(np.arccos((ways @ step / distances).clip(-1, 1)))
            yield View(anchor, direction, angles, distances)


def alone(scene: Scene) -> list[int]:
    """Return the numbers of the things whose name no other thing has: `the dog` means these."""
    counts = Counter(thing.name for thing in scene.things)
    return [number for number, thing in enumerate(scene.things) if counts[thing.name] == 1]
