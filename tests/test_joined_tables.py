"""What is learned from a joined table: align and fit read columns behind references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import plait
from plait.data.table import Table
from plait.ensemble.config import FitConfig
from plait.progress import Progress
from plait.spaces.space import AlignConfig
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
TRAIN = TrainConfig(epochs=20, least_steps=60, batch_size=64, modality_dropout=0.0)
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Return who bought what: everybody likes one colour, which the picture of a thing shows."""
    folder = tmp_path_factory.mktemp("things")
    random = np.random.default_rng(0)
    names = list(COLOURS)
    colours = [names[n % 3] for n in range(30)]
    for n, colour in enumerate(colours):
        noise = random.integers(-20, 20, (24, 24, 3)) + np.array(COLOURS[colour])
        Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(folder / f"{n}.png")
    things = {"thing": list(range(30)), "photo": [f"{n}.png" for n in range(30)]}
    likes = [names[n] for n in random.integers(0, 3, 40)]
    people = {"person": [f"p{n}" for n in range(40)],
              "motto": [f"I love {like} things {n}" for n, like in enumerate(likes)]}  # fmt: skip
    rows: dict[str, list[Any]] = {"person": [], "thing": [], "kept": []}
    for _ in range(300):
        person, thing = int(random.integers(40)), int(random.integers(30))
        rows["person"].append(f"p{person}")
        rows["thing"].append(thing)
        rows["kept"].append("yes" if likes[person] == colours[thing] else "no")
    return plait.read(rows, join={"person": people, "thing": plait.read(things, folder=folder)})


def test_fit_reads_both_sides_of_a_row(table: Table) -> None:
    """Whether it is kept depends on the person and the thing together."""
    model = plait.fit(
        table, "kept", modalities={"person.motto": "text"}, progress=QUIET,
        config=FitConfig(folds=1, fusion="bilinear", train=TRAIN),
    )  # fmt: skip
    assert model.columns == ["person.motto", "thing.photo"]
    scores = {line["name"]: line["score"]["value"] for line in model.facts["board"]["lines"]}
    assert scores["bilinear"] > 0.85
    assert len(model.predict(table.take([0, 1]))) == 2


def test_align_takes_references_as_groups(table: Table, tmp_path: Path) -> None:
    kept = table.take(np.array(table.values("kept")) == "yes")
    space = plait.align(
        kept, "person", "thing", modalities={"person.motto": "text"}, progress=QUIET,
        config=AlignConfig(task=AlignTaskConfig(width=16), train=TRAIN),
    )  # fmt: skip
    assert list(space.groups) == ["person", "thing"]
    again = plait.load(space.save(tmp_path / "space"))
    found = again.vectors(kept, "person") @ again.vectors(kept, "thing").T
    same = np.array(kept.values("thing")) % 3
    right = same[:, None] == same[None]
    assert found[right].mean() > found[~right].mean() + 0.3
