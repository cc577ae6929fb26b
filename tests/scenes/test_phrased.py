"""Every mask of a phrase, found again from the words, the boxes and the pixels alone."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plait.data.detect import detect
from plait.data.mask import read_mask
from plait.data.read import read
from plait.errors import ConfigError
from plait.scenes.held import held_out
from plait.scenes.phrase_floors import PhraseFloor
from plait.scenes.phrased import write_phrases
from plait.scenes.things import COLOURS, GROUPS
from plait.scenes.views import DIRECTIONS

COUNT = 40
NAMES = [name for names in GROUPS.values() for name in names]

Row = dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phrases") / "made"


@pytest.fixture(scope="module")
def floors(folder: Path) -> list[PhraseFloor]:
    return write_phrases(folder, COUNT, seed=5, size=96)


@pytest.fixture(scope="module")
def rows(folder: Path, floors: list[PhraseFloor]) -> list[Row]:
    return rows_of(folder / "phrases.csv")


@pytest.fixture(scope="module")
def things(folder: Path, rows: list[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for thing in rows_of(folder / "things.csv"):
        found[thing["picture"]].append(thing)
    return found


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words_in(phrase: str) -> tuple[list[str], str | None, str | None, bool]:
    """Return the names, the colour, the direction, and whether several are meant."""
    names = re.findall("|".join(sorted(NAMES, key=len, reverse=True)), phrase)
    colour, way = re.search("|".join(COLOURS), phrase), re.search("|".join(DIRECTIONS), phrase)
    several = re.search(r"^(all|every)|things", phrase) or re.search(
        rf"^the ({'|'.join(COLOURS)})? ?({names[0]}(s|es))$" if names else "$^", phrase
    )
    return names, colour and colour[0], way and way[0], bool(several)


def centre(thing: Row) -> np.ndarray:
    top, left, bottom, right = (int(thing[side]) for side in ("top", "left", "bottom", "right"))
    return np.array([top + bottom, left + right]) / 2


def meant(phrase: str, things: list[Row]) -> list[bool]:
    """Return which things are meant, found anew."""
    names, colour, way, several = words_in(phrase)
    found = [
        (not names or thing["name"] == names[0]) and colour in (None, thing["colour"])
        for thing in things
    ]
    if way is not None:
        (anchor,) = (thing for thing in things if thing["name"] == names[1])
        for number, thing in enumerate(things):
            if found[number]:
                down, right = centre(thing) - centre(anchor)
                sign = -1 if way in ("above", "left of") else 1
                ahead, aside = (right, down) if way.endswith("of") else (down, right)
                angle = np.degrees(np.arctan2(abs(aside), sign * ahead))
                assert angle < 36 or angle > 79  # nobody could disagree
                found[number] = bool(angle < 36)
    assert several or sum(found) < 2, phrase
    assert not several or sum(found) != 1, phrase
    return found


def test_every_mask_is_what_the_phrase_means(
    folder: Path, rows: list[Row], things: dict[str, list[Row]]
) -> None:
    assert len(rows) > 8 * COUNT
    for row in rows:
        own = things[row["picture"]]
        mask = np.asarray(Image.open(folder / row["mask"]))
        assert mask.dtype == bool
        assert mask.shape == (96, 96)
        expected = meant(row["phrase"], own)
        assert any(expected) == (row["kind"] != "nothing"), row
        covered = np.zeros_like(mask)
        for thing, there in zip(own, expected, strict=True):
            box = np.s_[
                int(thing["top"]) : int(thing["bottom"]), int(thing["left"]) : int(thing["right"])
            ]
            covered[box] = True
            assert mask[box].any() == there, (row, thing)
            assert not there or mask[box].mean() > 0.2
        assert not (mask & ~covered).any()


def test_words_that_would_be_too_much_are_needed(
    rows: list[Row], things: dict[str, list[Row]]
) -> None:
    looked = 0
    for row in rows:
        names, colour, _, _ = words_in(row["phrase"])
        own = things[row["picture"]]
        if row["kind"] in ("colour", "place"):
            looked += 1
            assert sum(thing["name"] == names[0] for thing in own) > 1
        if row["kind"] == "colour" or (row["kind"] == "nothing" and colour):
            looked += 1
            assert sum(thing["colour"] == colour for thing in own) >= 1 + (row["kind"] == "colour")
            assert sum(thing["name"] == names[0] for thing in own) > 1
    assert looked > 100


def test_neither_picture_nor_phrase_alone_is_enough(
    folder: Path, rows: list[Row], floors: list[PhraseFloor]
) -> None:
    masks = defaultdict(set)
    for row in rows:
        masks[row["picture"]].add((folder / row["mask"]).read_bytes())
    assert min(map(len, masks.values())) >= 3
    overall = {floor.combination: floor for floor in floors if floor.kind == "any"}
    assert overall["seen"].rows > 25
    assert overall["new"].rows > 15
    for floor in overall.values():
        assert max(floor.empty, floor.phrase) < 0.35
        assert floor.picture < 0.45
    nothing = [floor for floor in floors if floor.kind == "nothing"]
    assert [floor.empty for floor in nothing] == [1, 1]
    assert {floor.kind for floor in floors if floor.combination == "seen"} == {
        "any", "name", "colour", "place", "plural", "nothing",
    }  # fmt: skip


def test_training_never_sees_what_is_held_out(
    rows: list[Row], things: dict[str, list[Row]]
) -> None:
    held = held_out(NAMES, (COLOURS, DIRECTIONS), 5)
    new = {row["picture"] for row in rows if row["combination"] == "new"}
    assert len(new) == COUNT * 0.1
    shown = Counter(
        picture in new
        for picture, own in things.items()
        for thing in own
        if (thing["name"], thing["colour"]) in held
    )
    assert shown[True] > 4
    assert not shown[False]
    for row in rows:
        names, colour, way, _ = words_in(row["phrase"])
        needed = {(names[-1], value) for value in (colour, way) if names and value}
        assert bool(needed & held) == (row["combination"] == "new"), row
        assert row["combination"] == "seen" or row["split"] == "test"
    splits = {(row["picture"], row["split"]) for row in rows}
    assert Counter(split for _, split in splits) == {"train": 32, "test": 8}


def test_floors_are_what_their_names_say(folder: Path, floors: list[PhraseFloor]) -> None:
    rows = rows_of(folder / "phrases.csv")
    own = [row for row in rows if (row["split"], row["combination"]) == ("test", "seen")]
    (floor,) = (f for f in floors if (f.combination, f.kind) == ("seen", "any"))
    assert floor.rows == len(own)
    share = sum(row["kind"] == "nothing" for row in own) / len(own)
    assert floor.empty == pytest.approx(share)
    # Nothing else that is one mask for a picture is better: all its things, or any one phrase's.
    pictures = defaultdict(list)
    for row in own:
        pictures[row["picture"]].append(np.asarray(Image.open(folder / row["mask"])))

    def overlap(one: np.ndarray, other: np.ndarray) -> float:
        either = (one | other).sum()
        return float((one & other).sum() / either) if either else 1.0

    for pick in (
        lambda masks: np.any(masks, axis=0),
        lambda masks: masks[0],
        lambda masks: masks[3],
    ):
        tried = [overlap(mask, pick(masks)) for masks in pictures.values() for mask in masks]
        assert np.mean(tried) <= floor.picture


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for place, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_phrases(tmp_path / place, 10, seed=seed, size=64)
    one, two, three = (
        {path.name: path.read_bytes() for path in (tmp_path / place).rglob("*.*")}
        for place in ("one", "two", "three")
    )
    assert len(one) > 80
    assert one == two
    assert one["phrases.csv"] != three["phrases.csv"]
    assert one["00003.png"] != three["00003.png"]


def test_plait_reads_the_table(folder: Path, rows: list[Row]) -> None:
    table = read(folder / "phrases.csv")
    assert len(table) == len(rows)
    found = {column.name: column.modality for column in detect(table, ["mask"]).columns}
    assert (found["picture"], found["phrase"], found["mask"]) == ("image", "text", "mask")
    assert set(np.unique(read_mask(rows[0]["mask"], folder))) == {0, 1}


def test_what_cannot_be_made(folder: Path, rows: list[Row], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is there already; name a folder that is still"):
        write_phrases(folder, 10)
    with pytest.raises(ConfigError, match="too few for train and test"):
        write_phrases(tmp_path / "few", 5)
    assert not list(tmp_path.iterdir())
