"""`plait segment`: pictures in, masks and what lies under them out."""

from __future__ import annotations

from pathlib import Path

import made_segmenters
import numpy as np
import pytest
from command_line import here as plait
from PIL import Image
from spaces.test_pointing import SEEING, config, scene

import plait as library
from plait.data.mask import read_mask, read_palette
from plait.encoders.pretrained.segmenters import Segmenter
from plait.progress import Progress


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(4)
    for name in ("a", "b"):
        Image.fromarray(scene(random)[0]).resize((90, 60)).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return [folder / "a.png", folder / "b.png", folder / "broken.png"]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        name: getattr(made_segmenters, name)(tmp_path_factory.mktemp("networks") / name)
        for name in ("segformer", "clipseg", "sam")
    }


def test_masks_of_classes(networks: dict[str, Path], pictures: list[Path], tmp_path: Path) -> None:
    shown = plait("segment", networks["segformer"], *pictures, "-o", tmp_path / "out")
    assert "broken.png: not a picture that can be read" in shown
    segmenter = Segmenter.load(networks["segformer"])
    for path in pictures[:2]:
        picture = np.asarray(Image.open(path))
        mask = read_mask(path.name, tmp_path / "out")
        assert (mask == segmenter.predict([picture])[0]).all()
        assert read_palette(path.name, tmp_path / "out")[1] == segmenter.classes.colours[1]
        (line,) = (line for line in shown.splitlines() if line.startswith(f"{path}: "))
        value = int(np.bincount(mask.ravel()).argmax())
        assert f": {segmenter.classes.names[value]} {(mask == value).mean():.1%}" in line
        with Image.open(tmp_path / "out" / f"{path.stem}_over.png") as over:
            assert over.height > 60
            first = np.asarray(over)[0, 0]
        grey = picture[0, 0].mean()
        expected = 0.45 * grey + 0.55 * np.array(segmenter.classes.colours[mask[0, 0]])
        assert np.abs(first - expected).max() <= 1
    again = plait("segment", networks["segformer"], pictures[0], "-o", tmp_path / "out", ok=False)
    assert "exists already; choose another name or say --overwrite" in again
    plait("segment", networks["segformer"], pictures[0], "-o", tmp_path / "out", "--overwrite")


def test_phrases_points_and_boxes(
    networks: dict[str, Path], pictures: list[Path], tmp_path: Path
) -> None:
    said = ["segment", networks["clipseg"], pictures[0], "-o", tmp_path / "a"]
    loose = plait(*said, "--phrase", "the red cup", "--threshold", "0.3")
    assert "object" in loose
    strict = plait(*said, "--phrase", "the red cup", "--threshold", "0.7", "--overwrite")
    assert strict != loose
    assert "needs a phrase (--phrase) for each picture" in plait(*said, "--overwrite", ok=False)
    said = ["segment", networks["sam"], pictures[0], "-o", tmp_path / "b"]
    assert "object" in plait(*said, "--point", "40,30", "--point", "50,30", "--box", "10,5,80,50")
    said.append("--overwrite")
    assert "object" in plait(*said, "--point", "40,30")
    outside = plait(*said, "--point", "400,30", ok=False)
    assert "(400, 30) does not lie in the picture of 90x60 pixels" in outside
    assert "Nothing could be made of 1 picture, for the reasons above" in outside
    for value in ("1,2,3", "1,2,3,x"):
        wrong = plait(*said, "--box", value, ok=False)
        assert f"--box is '{value}', expected 4 numbers with commas" in wrong
    both = plait(*said, "--point", "40,30", "--phrase", "cup", ok=False)
    assert "Say one of --labels, --phrase, and --point with --box" in both


def test_words_from_a_space(pictures: list[Path], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    made = [scene(random) for _ in range(40)]
    table = {"photo": [one[0] for one in made], "caption": [one[1] for one in made]}
    settings, quiet = config(SEEING, steps=2), Progress(show=False)
    space = library.align(table, "photo", "caption", modalities={"caption": "text"},
                          config=settings, progress=quiet)  # fmt: skip
    space.save(tmp_path / "space")
    said = ["segment", tmp_path / "space", pictures[0], "-o", tmp_path / "out"]
    shown = plait(*said, "--labels", "red, blue")
    assert "red" in shown or "blue" in shown
    assert set(np.unique(read_mask("a.png", tmp_path / "out"))) <= {1, 2}
    shown = plait(*said, "--labels", "red,blue", "--threshold", "1", "--overwrite")
    assert "none of these 100.0%" in shown


def test_two_pictures_of_one_name(networks: dict[str, Path], pictures: list[Path]) -> None:
    twice = plait("segment", networks["sam"], pictures[0], pictures[0].with_suffix(".jpg"),
                  "-o", pictures[0].parent / "c", ok=False)  # fmt: skip
    assert "Two pictures have the same name; segment them into different folders" in twice
