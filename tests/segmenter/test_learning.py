"""Learning to segment: what is learned, what is held out, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from squares import make_classes, small

import plait
from plait import FitConfig
from plait.config import from_json
from plait.errors import ColumnError, ConfigError, TableError
from plait.progress import Progress
from plait.segmenter.learning import gathered, learn, segment
from plait.segmenter.segmenter import Segmenter
from plait.train.checkpoint import Checkpoint, Course
from plait.train.record import Record

QUIET = Progress(show=False)


def test_the_phrase_says_which_pixels_are_meant(of_phrases: Segmenter) -> None:
    """Neither alone could tell: pictures have two squares, and phrases none."""
    judged = of_phrases.facts["judged"]
    assert judged["metric"] == "giou"
    assert judged["rows"] == 18
    assert judged["scores"]["giou"]["value"] > 0.7


def test_what_is_not_there_is_an_empty_mask(of_phrases: Segmenter, phrases: Path) -> None:
    table = plait.read(str(phrases))
    nothing = [
        row for row, name in enumerate(table.values("mask"))
        if not np.asarray(Image.open(phrases.parent / name)).any()
    ][:12]  # fmt: skip
    made = of_phrases.predict(table.take(nothing), QUIET)
    empty = [mask is not None and not mask.any() for mask in made.values]
    assert sum(empty) >= 11


def test_classes_are_told_apart_and_void_does_not_count(of_classes: Segmenter) -> None:
    judged = of_classes.facts["judged"]
    assert judged["metric"] == "mean_iou"
    assert judged["scores"]["mean_iou"]["value"] > 0.7
    assert [one["name"] for one in judged["classes"]] == ["0", "3", "7"]
    assert of_classes.classes.void == (9,)


def test_rows_of_one_picture_stay_together(phrases: Path) -> None:
    table = plait.read(str(phrases))
    ready = gathered(table, "mask", {}, (), None, small(), QUIET)
    photos = np.array(table.values("photo"))
    assert not set(photos[ready.parted.learning]) & set(photos[ready.parted.judged])


def test_tiles_are_learned_from_and_judged_whole(tmp_path: Path) -> None:
    table = plait.read(make_classes(tmp_path, 6, side=96), folder=tmp_path)
    config = small(epochs=1, tile=48, void=[9])
    ready = gathered(table, "mask", {}, (), None, config, QUIET)
    assert len(ready.material.keys) == 6 * 9
    origin = np.repeat(np.arange(6), 9)
    assert not set(origin[ready.parted.learning]) & set(origin[ready.parted.judged])
    assert len(ready.judged) == 1
    model = segment(table, "mask", config=config, progress=QUIET)
    assert model.facts["judged"]["rows"] == 1
    (mask,) = model.predict(table.take([0]), QUIET).values
    assert mask is not None
    assert mask.shape == (96, 96)


def test_a_mask_of_another_size_is_counted_and_left_out(tmp_path: Path) -> None:
    table = make_classes(tmp_path, 12)
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(tmp_path / table["mask"][3])
    model = segment(plait.read(table, folder=tmp_path), "mask", config=small(epochs=1, void=[9]))
    assert model.facts["rows"] == 11
    ((place, reason),) = model.ledger.entries.items()
    assert place == (3, "mask")
    assert "the mask has 7x5 pixels, its picture 48x48" in reason


def test_a_killed_run_goes_on_where_it_was(classes: Path, tmp_path: Path) -> None:
    """The first learning is stopped behind its second epoch; the second begins there."""

    class KilledError(Exception):
        pass

    config = small(epochs=4, void=[9])
    ready = gathered(plait.read(str(classes)), "mask", {}, (), None, config, QUIET)
    known = (ready.material, ready.classes, ready.parted.learning, config)
    place, again = tmp_path / "under-way.safetensors", []

    def kill(course: Course) -> None:
        if course.epoch == 2:
            Checkpoint(place).write(course)
            raise KilledError

    with pytest.raises(KilledError):
        learn(*known, Record(place, kill), QUIET)
    resumed = learn(*known, Record(place, lambda c: again.append(c.epoch)), QUIET)
    assert again[0] == 3
    whole = learn(*known, Record(), QUIET)
    for name, value in whole.network.state_dict().items():
        if hasattr(value, "shape"):
            assert (value == resumed.network.state_dict()[name]).all(), name


def test_what_is_refused(classes: Path, tmp_path: Path) -> None:
    table = plait.read(str(classes))
    two = {**{name: table.values(name) for name in table.columns}, "other": table.values("photo")}
    both = plait.read(two, folder=classes.parent)
    with pytest.raises(ColumnError, match="columns 'photo', 'other' are: say which"):
        segment(both, "mask", config=small())
    with pytest.raises(ColumnError, match="'phot' is not a picture that is read. Did you mean"):
        segment(both, "mask", config=small(picture="phot"))
    with pytest.raises(ColumnError, match="A mask is learned by itself; fit 'other' by a model"):
        segment(both, ["mask", "other:category"], config=small())
    with pytest.raises(ColumnError, match="no column that is read holds pictures"):
        segment(plait.read({"a": ["x y", "z w"], "mask": table.values("mask")[:2]},
                           folder=classes.parent), "mask", modalities={"a": "text"},
                config=small())  # fmt: skip
    with pytest.raises(ConfigError, match="Fusion 'conkat'"):
        segment(table, "mask", config=type(small())(fusion="conkat"))
    patches = from_json(FitConfig, {"encoders": {"of_image": "transformer"}})
    with pytest.raises(ConfigError, match="Transformer from scratch leaves no maps"):
        segment(table, "mask", config=patches)
    few = {name: table.values(name)[:3] for name in table.columns}
    few["photo"][1:] = [None, "gone.png"]
    with pytest.raises(TableError, match="Target 'mask' is known in 1 row; 2 at least"):
        segment(plait.read(few, folder=classes.parent), "mask", config=small())
    many = np.arange(256).reshape(16, 16).repeat(8, axis=0).repeat(8, axis=1)
    pictures = [np.full((128, 128, 3), shade, np.uint8) for shade in (1, 2, 3)]
    with pytest.raises(TableError, match="Masks have 256 classes, and 255 can be learned"):
        segment({"photo": pictures, "mask": [many] * 3}, "mask:mask", config=small())
    whole = {name: table.values(name)[:4] for name in table.columns}
    whole["split"] = ["test"] * 4
    with pytest.raises(TableError, match="split"):
        segment(plait.read(whole, folder=classes.parent), "mask", split="column:split",
                config=small())  # fmt: skip


def test_a_picture_column_is_learned_by_its_name(classes: Path) -> None:
    table = plait.read(str(classes))
    two = {**{name: table.values(name) for name in table.columns}, "other": table.values("photo")}
    config = small(epochs=1, picture="photo", void=[9])
    model = segment(plait.read(two, folder=classes.parent), "mask", config=config)
    assert model.picture == "photo"
    assert sorted(source.name for source in model.sources) == ["other", "photo"]
