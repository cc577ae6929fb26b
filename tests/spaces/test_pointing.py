"""Words to regions from end to end: learned from pairs alone, never told where a thing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_media import sound_file, tone

import plait
from plait.encoders.config import choose_encoders
from plait.errors import ConfigError, TableError
from plait.explain.regions import Moments, Regions
from plait.progress import Progress
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220),
           "black": (10, 10, 10), "cyan": (20, 200, 200), "pink": (230, 60, 200),
           "brown": (120, 70, 20), "grey": (120, 120, 120)}  # fmt: skip
RATE = 8000
TONES = {"low": 250.0, "middle": 600.0, "high": 1400.0, "shrill": 3000.0}


def scene(random: np.random.Generator) -> tuple[np.ndarray, str, dict[str, tuple[int, int]]]:
    """Return squares of two colours in two of sixteen cells, their names, and the cells."""
    picture = random.integers(200, 256, (64, 64, 3)).astype(np.uint8)
    names = [str(name) for name in random.permutation(list(COLOURS))[:2]]
    cells = [divmod(int(cell), 4) for cell in random.permutation(16)[:2]]
    for name, (row, column) in zip(names, cells, strict=True):
        picture[row * 16 + 2 : row * 16 + 14, column * 16 + 2 : column * 16 + 14] = COLOURS[name]
    text = " and ".join(sorted(names))
    return picture, text, dict(zip(names, cells, strict=True))


def clip(random: np.random.Generator) -> tuple[bytes, str, list[str]]:
    """Return 1.6 s of two tones one after the other, their names, and the names in their order."""
    names = [str(name) for name in random.permutation(list(TONES))[:2]]
    samples = np.concatenate([tone(TONES[name], 0.8, RATE) for name in names])
    return sound_file(samples, RATE), " and ".join(sorted(names)), names


def config(words: list[str], loss: str = "filip", steps: int = 150) -> AlignConfig:
    encoders = choose_encoders(words)
    trained = replace(encoders.trained, width=32, layers=0, vocabulary=300, patch=16,
                      dropout=0.0, augment=False)  # fmt: skip
    return AlignConfig(
        task=AlignTaskConfig(loss, width=32, hidden=64),  # type: ignore[arg-type]
        encoders=replace(encoders, trained=trained),
        deep=TrainConfig(epochs=1, least_steps=steps, batch_size=32, learning_rate=3e-3,
                         modality_dropout=0.0),
    )  # fmt: skip


SEEING = ["image=transformer", "text=transformer"]


def of_scenes(settings: AlignConfig, rows: int = 240) -> Space:
    random = np.random.default_rng(0)
    made = [scene(random) for _ in range(rows)]
    table = {"photo": [one[0] for one in made], "caption": [one[1] for one in made],
             "part": ["train"] * (rows - 40) + ["test"] * 40}  # fmt: skip
    return plait.align(table, "photo", "caption", modalities={"caption": "text"}, config=settings,
                       split="column:part", progress=QUIET)  # fmt: skip


@pytest.fixture(scope="module")
def space() -> Space:
    return of_scenes(config(SEEING))


def test_words_are_pointed_at_in_new_scenes(space: Space) -> None:
    random = np.random.default_rng(1)
    right, count = 0, 0
    for _ in range(40):
        picture, text, cells = scene(random)
        found = space.regions(picture, text)
        assert isinstance(found, Regions)
        assert found.words == (text.split()[0], "and", text.split()[2])
        assert found.heat.shape == (3, 4, 4)
        assert (found.heat.min(), found.heat.max()) == (0, 1)
        for number in (0, 2):
            height, width = found.point(number)
            right += (int(height * 4), int(width * 4)) == cells[found.words[number]]
            count += 1
    assert right / count > 0.6  # of sixteen cells


def test_words_are_found_in_time() -> None:
    random = np.random.default_rng(0)
    made = [clip(random) for _ in range(200)]
    table = {"sound": [one[0] for one in made], "caption": [one[1] for one in made],
             "part": ["train"] * 180 + ["test"] * 20}  # fmt: skip
    space = plait.align(
        table, "sound", "caption", modalities={"caption": "text"}, split="column:part",
        config=config(["audio=transformer", "text=transformer"]), progress=QUIET,
    )  # fmt: skip
    right, count = 0, 0
    for _ in range(20):
        sound, text, names = clip(random)
        found = space.regions(sound, text, threshold=0.8)
        assert isinstance(found, Moments)
        assert found.times.max() < 1.7
        for number in (0, 2):
            half = found.times[found.cosines[number].argmax()] > 0.8
            right += names[int(half)] == found.words[number]
            count += 1
    assert right / count > 0.8  # of two halves


def test_a_space_of_pooled_vectors_looks_for_the_whole_text() -> None:
    """In the manner of MaskCLIP: each part of the picture in the place of all of it."""
    space = of_scenes(config(SEEING, "infonce", 20), 60)
    picture = scene(np.random.default_rng(1))[0]
    found = space.regions(picture, "red and blue")
    assert isinstance(found, Regions)
    assert found.words == ("red and blue",)
    # A picture all of whose parts are alike lies where each of them does.
    plain = np.full((64, 64, 3), 90, np.uint8)
    found = space.regions(plain, "red and blue")
    vectors = [space.vectors({name: [cell]}, name)[0] for name, cell in
               (("photo", plain), ("caption", "red and blue"))]  # fmt: skip
    np.testing.assert_allclose(found.cosines, vectors[0] @ vectors[1], atol=1e-5)


def test_saved_spaces_point_alike(space: Space, tmp_path: Path) -> None:
    picture = scene(np.random.default_rng(1))[0]
    space.save(tmp_path / "space")
    again = plait.load(tmp_path / "space").regions(picture, "red and blue")
    np.testing.assert_array_equal(again.cosines, space.regions(picture, "red and blue").cosines)


def test_bad_input(space: Space, tmp_path: Path) -> None:
    picture = scene(np.random.default_rng(1))[0]
    with pytest.raises(ConfigError, match=r"The threshold must be between 0 and 1, found 2"):
        space.regions(picture, "red", threshold=2)
    with pytest.raises(TableError, match="nothing to be read for column 'photo': there is no file"):
        space.regions(str(tmp_path / "nowhere.png"), "red")
    with pytest.raises(TableError, match="nothing to be read for column 'caption'"):
        space.regions(picture, "  ")
    with pytest.raises(ConfigError, match="Column of pictures, sounds or videos 'foto' is not kno"):
        space.regions(picture, "red", column="foto")
    random = np.random.default_rng(0)
    made = [scene(random) for _ in range(40)]
    table = {"photo": [one[0] for one in made], "other": [one[0] for one in made],
             "caption": [one[1] for one in made], "n": [str(n) for n in range(40)]}  # fmt: skip
    said = {"caption": "text", "n": "number"}
    two = plait.align(table, "photo,other", "caption", modalities=said, progress=QUIET)
    with pytest.raises(
        ConfigError, match=r"has 2 columns of pictures, sounds or videos \(photo, o"
    ):
        two.regions(picture, "red")
    with pytest.raises(ConfigError, match="The encoder of 'other' keeps no parts of what it reads"):
        two.regions(picture, "red", column="other")
    with pytest.raises(ConfigError, match="compares tokens, and the fusion 'gated' leaves one"):
        AlignConfig(task=AlignTaskConfig("filip"), fusion="gated")
