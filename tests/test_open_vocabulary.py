"""Masks by words, from a space that was learned from pairs of composed scenes and texts alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_media import sound_file, tone
from PIL import Image

import plait
from plait.data.mask import read_mask, write_mask
from plait.encoders.config import choose_encoders
from plait.errors import ConfigError, TableError
from plait.open_vocabulary import best_label, segment_by_words, word_classes
from plait.progress import Progress
from plait.scenes.compose import Scene, compose, place_boxes, plain_ground
from plait.scenes.questions import Known
from plait.scenes.things import COLOURS, load_things
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
NAMES = ("pepper", "car", "coat", "dress")
LABELS = list(COLOURS)
SIDE = 60


@pytest.fixture(scope="module")
def known() -> Known:
    return load_things()


def drawn(known: Known, random: np.random.Generator) -> Scene:
    """Return two things in two colours."""
    colours = random.permutation(LABELS)[:2].tolist()
    things = [known[NAMES[random.integers(len(NAMES))], colour] for colour in colours]
    boxes = place_boxes(2, SIDE, (26, 31), random)
    return compose(plain_ground(SIDE, random), things, boxes)


def text_of(scene: Scene) -> str:
    return " and ".join(sorted(thing.colour for thing in scene.things))


@pytest.fixture(scope="module")
def space(known: Known) -> Space:
    random = np.random.default_rng(0)
    scenes = [drawn(known, random) for _ in range(200)]
    encoders = choose_encoders(["image=transformer", "text=transformer"])
    trained = replace(encoders.trained, width=32, layers=0, vocabulary=300, patch=12, side=SIDE,
                      dropout=0.0, augment=False)  # fmt: skip
    config = AlignConfig(
        seed=1,
        task=AlignTaskConfig("filip", width=32, hidden=64),
        encoders=replace(encoders, trained=trained),
        deep=TrainConfig(epochs=1, least_steps=120, batch_size=16, learning_rate=8e-3,
                         modality_dropout=0.0),
    )  # fmt: skip
    table = {"photo": [one.picture for one in scenes], "caption": list(map(text_of, scenes))}
    return plait.align(table, "photo", "caption", modalities={"caption": "text"}, config=config,
                       progress=QUIET)  # fmt: skip


def test_things_have_the_label_of_their_colour(space: Space, known: Known) -> None:
    random = np.random.default_rng(1)
    right, pixels = 0, 0
    for _ in range(10):
        scene = drawn(known, random)
        mask = segment_by_words(space, scene.picture, LABELS)
        assert mask.shape == (SIDE, SIDE)
        assert mask.dtype == np.int32
        for thing, there in zip(scene.things, scene.masks, strict=True):
            right += int((mask[there] == LABELS.index(thing.colour) + 1).sum())
            pixels += int(there.sum())
    assert right / pixels > 0.45  # of five labels; 0.36 to 0.74 over seeds


def test_what_no_label_fits_is_none_of_these(space: Space, known: Known, tmp_path: Path) -> None:
    scene = drawn(known, np.random.default_rng(2))
    every = segment_by_words(space, scene.picture, LABELS)
    assert every.min() > 0
    found = [
        segment_by_words(space, scene.picture, LABELS, None, t) for t in np.linspace(0.1, 1, 46)
    ]
    shares = [(one == 0).mean() for one in found]
    assert shares == sorted(shares)
    some = next(one for one, share in zip(found, shares, strict=True) if 0 < share < 1)
    assert (some[some > 0] == every[some > 0]).all()
    assert (segment_by_words(space, scene.picture, LABELS, threshold=1) == 0).all()
    classes = word_classes(LABELS)
    assert classes.names == ("none of these", *LABELS)
    write_mask(some, tmp_path / "a.png", classes.palette)
    assert (read_mask("a.png", tmp_path) == some).all()


def test_a_mask_has_the_size_of_the_whole_picture(
    space: Space, known: Known, tmp_path: Path
) -> None:
    scene = drawn(known, np.random.default_rng(2))
    Image.fromarray(scene.picture).resize((1400, 1100)).save(tmp_path / "a.jpg")
    assert segment_by_words(space, str(tmp_path / "a.jpg"), ["red", "blue"]).shape == (1100, 1400)


def test_labels_of_several_words_count_as_the_mean_of_them(space: Space, known: Known) -> None:
    picture = drawn(known, np.random.default_rng(3)).picture
    labels = ["red and green", "blue"]
    cosines = [space.regions(picture, label, progress=QUIET).cosines for label in labels]
    assert cosines[0].shape == (3, 5, 5)
    expected = best_label(np.stack([own.mean(axis=0) for own in cosines]), (SIDE, SIDE), None)
    assert (segment_by_words(space, picture, labels) == expected).all()


def test_the_highest_score_wins() -> None:
    scores = np.array([[[0.5, 0.1]], [[0.2, 0.3]]], np.float32)
    assert best_label(scores, (1, 2), None).tolist() == [[1, 2]]
    assert best_label(scores, (1, 2), 0.4).tolist() == [[1, 0]]
    # Half way between the cells the scores are half way as well.
    assert best_label(scores, (1, 8), None).tolist() == [[1, 1, 1, 1, 2, 2, 2, 2]]


def test_what_cannot_be_asked(space: Space) -> None:
    for labels in ([], ["red", " "], ["red", "red "]):
        with pytest.raises(ConfigError, match="Labels must be different words, one at least"):
            word_classes(labels)
    picture = np.zeros((60, 60, 3), np.uint8)
    with pytest.raises(ConfigError, match="threshold is a cosine, from -1 to 1, found 2"):
        segment_by_words(space, picture, ["red"], threshold=2)
    with pytest.raises(TableError, match="there is no file 'nowhere.png'"):
        segment_by_words(space, "nowhere.png", ["red"])


def test_sounds_have_no_masks() -> None:
    sounds = [sound_file(tone(200.0 + 10 * row, 0.2)) for row in range(40)]
    encoders = choose_encoders(["audio=transformer", "text=transformer"])
    config = AlignConfig(
        task=AlignTaskConfig("filip", width=8), encoders=encoders,
        deep=TrainConfig(epochs=1, least_steps=1),
    )  # fmt: skip
    table = {"sound": sounds, "caption": [f"tone number {row}" for row in range(40)]}
    own = plait.align(table, "sound", "caption", modalities={"caption": "text"}, config=config,
                      progress=QUIET)  # fmt: skip
    with pytest.raises(ConfigError, match="holds sounds or videos; masks are of pictures"):
        segment_by_words(own, sounds[0], ["tone"])
