"""A model that segments: masks of new rows, save and load, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_models import mobilenet
from PIL import Image
from safetensors.torch import load_file
from squares import make_classes, small

import plait
from plait.data.quality import Ledger
from plait.encoders.pretrained.config import FineTuneConfig
from plait.errors import ColumnError, TableError
from plait.progress import Progress
from plait.segmenter.learning import segment
from plait.segmenter.segmenter import Segmenter

QUIET = Progress(show=False)


@pytest.fixture(scope="module")
def brief(phrases: Path) -> Segmenter:
    """A model of phrases that has learned little."""
    table = plait.read(str(phrases)).take(range(60))
    return segment(table, "mask", modalities={"phrase": "text"}, config=small(epochs=2))


def test_masks_have_the_size_and_the_values_of_their_own(
    of_classes: Segmenter, classes: Path
) -> None:
    table = plait.read(str(classes)).take(range(4))
    made = of_classes.predict(table, QUIET)
    truth = np.stack([np.asarray(Image.open(classes.parent / n)) for n in table.values("mask")])
    masks = np.stack([mask for mask in made.values if mask is not None])
    assert masks.shape == truth.shape
    assert set(np.unique(masks)) <= {0, 3, 7}
    assert (masks == truth)[truth != 9].mean() > 0.9


def test_a_loaded_model_makes_the_same_masks(
    brief: Segmenter, phrases: Path, tmp_path: Path
) -> None:
    loaded = plait.load(brief.save(tmp_path / "model"))
    assert isinstance(loaded, Segmenter)
    table = plait.read(str(phrases)).take(range(9))
    for one, other in zip(
        brief.predict(table, QUIET).classes, loaded.predict(table, QUIET).classes, strict=True
    ):
        assert one is not None
        assert (one == other).all()
    card = (tmp_path / "model" / "README.md").read_text()
    assert "giou" in card
    assert "background (0), object (255)" in card


def test_pictures_of_any_size_and_kind(of_classes: Segmenter, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    sizes = [(48, 48), (20, 90), (7, 3), (301, 64)]
    names = []
    for number, (height, width) in enumerate(sizes):
        pixels = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
        kind = ("RGB", "RGBA", "L", "P")[number]
        names.append(f"{number}.png")
        Image.fromarray(pixels).convert(kind).save(tmp_path / names[-1])
    made = of_classes.predict(plait.read({"photo": names}, folder=tmp_path), QUIET)
    assert [mask.shape for mask in made.values if mask is not None] == sizes


def test_rows_without_a_picture_have_no_mask(of_classes: Segmenter, classes: Path) -> None:
    names = plait.read(str(classes)).values("photo")[:2]
    (classes.parent / "broken.png").write_bytes(b"\x89PNG broken")
    table = plait.read({"photo": [names[0], "broken.png", None, names[1]]}, folder=classes.parent)
    made = of_classes.predict(table, QUIET)
    assert [mask is None for mask in made.values] == [False, True, True, False]
    assert list(made.skipped.entries) == [(1, "photo")]
    assert made.absent == ()


def test_words_without_any_picture_have_no_mask(brief: Segmenter) -> None:
    words = ["the red one", "the blue one"]
    assert brief.predict({"picture": [None, None], "phrase": words}, QUIET).values == [None, None]
    assert brief.predict({"phrase": words}, QUIET).values == [None, None]


def test_an_empty_phrase_is_a_missing_one(brief: Segmenter, phrases: Path) -> None:
    table = plait.read(str(phrases)).take(range(3))
    rows = {name: table.values(name) for name in table.columns}
    rows["phrase"] = ["", None, "words that nobody learned"]
    made = brief.predict(plait.read(rows, folder=phrases.parent), QUIET)
    assert all(mask is not None and mask.shape == (48, 48) for mask in made.values)


def test_a_mirrored_picture_is_seen_too(of_classes: Segmenter, classes: Path) -> None:
    """By hand: the mean of what both show, mirrored back."""
    table = plait.read(str(classes)).take(range(3))
    segment = replace(of_classes.config.segment, flip=True)
    both = replace(of_classes, config=replace(of_classes.config, segment=segment))
    pictures = [np.asarray(Image.open(classes.parent / n))[:, ::-1] for n in table.values("photo")]
    mirrored = plait.read({"photo": pictures})
    one, other, found = (
        np.stack([s for s in model.shares(rows, Ledger()) if s is not None])
        for model, rows in ((of_classes, table), (of_classes, mirrored), (both, table))
    )
    assert np.allclose(found, (one + other[..., ::-1]) / 2, atol=1e-5)
    assert not np.allclose(found, one, atol=1e-3)


def test_values_that_were_not_learned_are_counted(of_classes: Segmenter, tmp_path: Path) -> None:
    table = make_classes(tmp_path, 3)
    mask = np.asarray(Image.open(tmp_path / table["mask"][0])).copy()
    mask[5, :10] = 77
    Image.fromarray(mask).save(tmp_path / table["mask"][0])
    table["mask"][2] = None
    found = of_classes.evaluate(plait.read(table, folder=tmp_path), QUIET)
    assert (found.rows, found.left_out, found.unknown) == (2, 1, 10)


def test_what_is_refused(of_classes: Segmenter, tmp_path: Path) -> None:
    table = make_classes(tmp_path, 1)
    with pytest.raises(TableError, match="none of the columns that the model reads"):
        of_classes.predict({"other": [1]}, QUIET)
    with pytest.raises(ColumnError, match="Column 'mask' is not in the table"):
        of_classes.evaluate(plait.read({"photo": table["photo"]}, folder=tmp_path), QUIET)
    table["photo"] = ["gone.png"]
    with pytest.raises(TableError, match="No row has both a mask in 'mask' and a picture in 'ph"):
        of_classes.evaluate(plait.read(table, folder=tmp_path), QUIET)


@pytest.mark.parametrize("way", ["none", "all", "lora"])
def test_a_pretrained_network_is_kept_as_far_as_it_learned(
    classes: Path, tmp_path: Path, way: str
) -> None:
    folder = mobilenet(tmp_path / "network")
    config = small(epochs=1, side=64, void=[9])
    encoders = replace(config.encoders, of_image=str(folder),
                       finetune=FineTuneConfig(way=way, rate=1e-3))  # type: ignore[arg-type]  # fmt: skip
    table = plait.read(str(classes)).take(range(12))
    model = segment(table, "mask", config=replace(config, encoders=encoders), progress=QUIET)
    stored = load_file(model.save(tmp_path / "model") / "weights.safetensors")
    assert any(".backbone." in name for name in stored) == (way != "none")
    loaded = plait.load(tmp_path / "model")
    for one, other in zip(
        model.predict(table, QUIET).classes, loaded.predict(table, QUIET).classes, strict=True
    ):
        assert one is not None
        assert (one == other).all()
