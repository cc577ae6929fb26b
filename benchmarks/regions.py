"""The pointing game on emoji: is the highest place of each name inside the thing that it names?

    python benchmarks/regions.py             within 12 minutes of one quiet core: three seeds
    python benchmarks/regions.py --full      five seeds, more scenes
    python benchmarks/regions.py --draw DIR  four scenes with the map of every word, no more

A scene is two to four of forty emoji on a plain ground, none over another; its text names them in
another order: "red apple and fire truck". A space is learned from pairs of scene and text alone
(FILIP, both encoders from scratch, without layers that mix tokens: with such it can match and point
worse than chance); where a thing is, is never said. On scenes that it has not seen
the maximum of the mean map of a name's words must fall inside the thing's box (Zhang et al., IJCV
2018, section 4.1, without their margin of 15 pixels). Beside it stand the share of the picture that
the box covers, which is what a random place hits, and the middle of the picture.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from rows import Row, describe, measure, table

import plait
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.explain.regions import Regions
from plait.progress import Progress
from plait.scenes.compose import Thing, compose, noisy_ground, place_boxes
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

SIDE = 128
"""Of a scene, in pixels."""

KINDS = 40

SIZES = (32, 48)
"""The smallest and the largest side of an emoji, in pixels."""

GROUPS = ("animals & nature", "food & drink", "travel & places", "objects", "activities")


@dataclass(frozen=True)
class Scene:
    """A picture, its text, and where in the picture each name's thing is.

    Attributes:
        picture: (SIDE SIDE 3) uint8.
        names: in the order of the text.
        boxes: (k 4) top, left, bottom, right of each, in 0..1.
    """

    picture: np.ndarray
    names: tuple[str, ...]
    boxes: np.ndarray

    @property
    def text(self) -> str:
        """The names, with `and` between them."""
        return " and ".join(self.names)


def vocabulary() -> dict[str, dict[str, Thing]]:
    """Return forty emoji by vendor and name, each of a family of its own."""
    tables = {vendor: plait.datasets.load("emoji", vendor) for vendor in ("google", "twitter")}
    first = tables["google"]
    rows = {
        first.cell("family", row): row for row in range(len(first))
        if first.cell("group", row) in GROUPS
        and first.cell("name", row).replace(" ", "").isalpha()
        and len(first.cell("name", row).split()) <= 2
    }  # fmt: skip
    chosen = np.random.default_rng(0).permutation(list(rows.values()))[:KINDS]
    return {
        vendor: {
            found.cell("name", row): Thing(
                found.cell("name", row), found.cell("group", row), "", drawn(found, row)
            )
            for row in chosen.tolist()
        }
        for vendor, found in tables.items()
    }


def drawn(table: Table, row: int) -> np.ndarray:
    """Return (64 64 4) uint8, RGBA."""
    return np.asarray(Image.open(io.BytesIO(table.cell("picture", row))).convert("RGBA"))


def scene(things: dict[str, Thing], random: np.random.Generator) -> Scene:
    """Return two to four emoji at random places on a plain ground with noise."""
    ground = noisy_ground(SIDE, random)
    names = random.permutation(list(things))[: random.integers(2, 5)].tolist()
    boxes = place_boxes(len(names), SIDE, SIZES, random)
    picture = compose(ground, [things[name] for name in names], boxes).picture
    order = random.permutation(len(names))
    return Scene(picture, tuple(names[i] for i in order), np.array(boxes)[order] / SIDE)


def learn(scenes: list[Scene], held: list[Scene], key: Row) -> Space:
    """Return the space that was learned from some scenes, judged as search on others."""
    encoders = choose_encoders([f"image={key['image']}", f"text={key['text']}"])
    trained = replace(
        encoders.trained, width=64, layers=0, side=SIDE, patch=16, dropout=0.0, vocabulary=400
    )
    both = [*scenes, *held]
    return plait.align(
        {
            "picture": [one.picture for one in both],
            "text": [one.text for one in both],
            "part": ["train"] * len(scenes) + ["test"] * len(held),
        },
        "picture",
        "text",
        modalities={"text": "text"},
        split="column:part",
        config=AlignConfig(
            task=AlignTaskConfig(loss="filip", width=64, hidden=256, noise=0.0, pooled=0.0),
            encoders=replace(encoders, trained=trained),
            deep=TrainConfig(
                epochs=key["epochs"], least_steps=1, batch_size=64, learning_rate=2e-3,
                weight_decay=0.05, patience=key["epochs"], clip=1.0, modality_dropout=0.0,
            ),
            seed=key["seed"],
        ),
        progress=Progress(show=True),
    )  # fmt: skip


def pointed(found: Regions, names: tuple[str, ...]) -> list[tuple[float, float]]:
    """Return the place of each name: of the mean map of its words, whose order is the text's."""
    places, start = [], 0
    for name in names:
        end = start + len(name.split())
        joint = replace(found, cosines=found.cosines[start:end].mean(axis=0, keepdims=True))
        places.append(joint.point(0))
        start = end + 1  # past the `and`
    return places


def inside(place: tuple[float, float], box: np.ndarray) -> bool:
    """Return whether a place is in a box."""
    return bool(box[0] <= place[0] < box[2] and box[1] <= place[1] < box[3])


def game(space: Space, scenes: list[Scene]) -> Row:
    """Return the share of names that are pointed at rightly, by chance, and from the middle."""
    hits, areas, middles = [], [], []
    for one in scenes:
        found = space.regions(one.picture, one.text)
        assert isinstance(found, Regions)
        for place, box in zip(pointed(found, one.names), one.boxes, strict=True):
            hits.append(inside(place, box))
            middles.append(inside((0.5, 0.5), box))
            areas.append((box[2] - box[0]) * (box[3] - box[1]))
    return {
        "names": len(hits),
        "pointing": float(np.mean(hits)),
        "chance": float(np.mean(areas)),
        "middle": float(np.mean(middles)),
    }


def made(count: int, things: dict[str, Thing], seed: int) -> list[Scene]:
    """Return so many scenes."""
    random = np.random.default_rng(seed)
    return [scene(things, random) for _ in range(count)]


def space_of(key: Row, things: dict[str, Thing]) -> tuple[Space, list[Scene]]:
    """Return what is learned for a key, and the scenes that it is judged on."""
    held = made(200, things, 1000 + key["seed"])
    return learn(made(key["scenes"], things, key["seed"]), held, key), held


def run(key: Row) -> Row:
    """Learn from scenes of one vendor; point in new ones of the same, and of the other."""
    both = vocabulary()
    space, held = space_of(key, both["google"])
    (retrieval,) = (one for one in space.facts["retrieval"] if one["query"] == "text")
    other = made(200, both["twitter"], 2000 + key["seed"])
    return {
        "same": game(space, held),
        "other": game(space, other),
        "recall@1": retrieval["scores"]["recall@1"]["value"],
    }


def draw(folder: Path, key: Row) -> None:
    """Draw scenes with the map of every word."""
    folder.mkdir(parents=True, exist_ok=True)
    space, held = space_of(key, vocabulary()["google"])
    print({**key, **game(space, held)})
    for number, one in enumerate(held[:4]):
        print(space.regions(one.picture, one.text).draw(folder / f"scene-{number}.png"))


def main() -> None:
    """Measure, and print the figures."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--draw", type=Path)
    parser.add_argument("--scenes", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--image", default="transformer")
    parser.add_argument("--text", default="transformer")
    said = parser.parse_args()
    keys = [
        {
            "image": said.image,
            "text": said.text,
            "scenes": said.scenes or (8000 if said.full else 2000),
            "epochs": said.epochs or (20 if said.full else 12),
            "seed": seed,
        }
        for seed in range(5 if said.full else 3)
    ]
    if said.draw:
        draw(said.draw, keys[0])
        return
    rows = measure("regions", keys, run, budget=12 * 60)
    if len(rows) > 1:
        table(
            [
                {
                    "drawn by": {"same": "the vendor learned from", "other": "another"}[vendor],
                    **{
                        name: describe([row[vendor][name] for row in rows])
                        for name in ("pointing", "chance", "middle")
                    },
                }
                for vendor in ("same", "other")
            ],
            ["drawn by", "pointing", "chance", "middle"],
        )


if __name__ == "__main__":
    sys.exit(main())
