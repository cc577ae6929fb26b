"""Every answer in the table, found again from the masks and the pixels alone."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv
from PIL import Image

from plait.data.detect import detect
from plait.data.read import read
from plait.errors import ConfigError
from plait.scenes.floors import Floor
from plait.scenes.held import held_out
from plait.scenes.pictures import write_scenes
from plait.scenes.things import COLOURS, GROUPS
from plait.scenes.views import DIRECTIONS
from plait.scenes.wording import TEMPLATES

COUNT = 60

NAMES = [name for names in GROUPS.values() for name in names]

GROUP = {name: group for group, names in GROUPS.items() for name in names}

Row = dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scenes") / "made"


@pytest.fixture(scope="module")
def written(folder: Path) -> list[Floor]:
    return write_scenes(folder, COUNT, seed=5)


@pytest.fixture(scope="module")
def rows(folder: Path, written: list[Floor]) -> list[Row]:
    return rows_of(folder / "scenes.csv")


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Seen:
    """What the mask and the pixels of a picture say; only names are taken from the table."""

    def __init__(self, folder: Path, things: list[Row]) -> None:
        mask = np.asarray(Image.open(folder / things[0]["mask"]))
        hues = rgb_to_hsv(np.asarray(Image.open(folder / things[0]["picture"])) / 255.0)
        assert set(np.unique(mask)) == set(range(len(things) + 1))
        self.names = [thing["name"] for thing in things]
        self.colours, self.centres = [], []
        for thing in things:
            down, right = np.nonzero(mask == int(thing["value"]))
            self.centres.append(((down.min() + down.max()) / 2, (right.min() + right.max()) / 2))
            pixels = hues[down, right]
            hue = np.median(pixels[pixels[:, 1] > 0.35][:, 0])
            self.colours.append(min(COLOURS, key=lambda one: circular(COLOURS[one][0], hue)))

    def way(self, start: str, end: int, direction: str) -> tuple[float, float]:
        """Return how far in the direction, and how far to its side."""
        anchor = self.centres[self.names.index(start)]
        down, right = self.centres[end][0] - anchor[0], self.centres[end][1] - anchor[1]
        sign = -1 if direction in ("above", "left of") else 1
        ahead, aside = (right, down) if direction.endswith("of") else (down, right)
        return sign * ahead, abs(aside)


def circular(one: float, other: float) -> float:
    return abs((one - other + 0.5) % 1 - 0.5)


@pytest.fixture(scope="module")
def seen(folder: Path, rows: list[Row]) -> dict[str, Seen]:
    things = defaultdict(list)
    for thing in rows_of(folder / "things.csv"):
        things[thing["picture"]].append(thing)
    return {picture: Seen(folder, parts) for picture, parts in things.items()}


def words_in(question: str) -> tuple[list[str], str | None, str | None]:
    """Return the names, the colour and the direction in a question."""
    names = re.findall("|".join(sorted(NAMES, key=len, reverse=True)), question)
    colour = re.search("|".join(COLOURS), question)
    direction = re.search("|".join(DIRECTIONS), question)
    return names, colour and colour[0], direction and direction[0]


def answer_of(row: Row, seen: Seen) -> str:
    """Return the answer, found anew."""
    names, colour, direction = words_in(row["question"])
    matching = [
        number for number, name in enumerate(seen.names)
        if (not names or name == names[0]) and (colour is None or seen.colours[number] == colour)
    ]  # fmt: skip
    match row["type"]:
        case "count":
            return str(len(matching))
        case "exists":
            return "yes" if matching else "no"
        case "colour":
            (number,) = matching
            return seen.colours[number]
        case "group":
            others = [name for name in seen.names if name != names[0]]
            assert len(others) == len(seen.names) - 1
            return "yes" if GROUP[names[0]] in {GROUP[name] for name in others} else "no"
        case "relation":
            other, anchor = names
            assert seen.names.count(other) == seen.names.count(anchor) == 1
            ahead, aside = seen.way(anchor, seen.names.index(other), str(direction))
            assert ahead > 1.4 * aside or ahead < 0.18 * aside  # nothing half and half
            return "yes" if ahead > aside else "no"
        case _:
            ways = {
                number: seen.way(names[0], number, str(direction))
                for number, name in enumerate(seen.names) if name != names[0]
            }  # fmt: skip
            there = {
                number: np.hypot(*way) for number, way in ways.items() if way[0] > 0.6 * way[1]
            }
            nearest = min(there, key=there.__getitem__)
            assert ways[nearest][0] > 1.4 * ways[nearest][1]
            return seen.names[nearest]


def test_every_answer_agrees_with_masks_and_pixels(rows: list[Row], seen: dict[str, Seen]) -> None:
    assert len(rows) > 11 * COUNT
    assert {row["type"] for row in rows} == {
        "exists", "count", "colour", "relation", "neighbour", "group",
    }  # fmt: skip
    for row in rows:
        assert row["answer"] == answer_of(row, seen[row["picture"]]), row


def test_colours_and_boxes_in_the_table_are_those_of_the_pixels(
    folder: Path, seen: dict[str, Seen]
) -> None:
    numbers: Counter[str] = Counter()
    for thing in rows_of(folder / "things.csv"):
        number, one = numbers[thing["picture"]], seen[thing["picture"]]
        assert thing["colour"] == one.colours[number]
        assert GROUP[thing["name"]] == thing["group"]
        middle = (int(thing["top"]) + int(thing["bottom"]) - 1) / 2
        assert middle == one.centres[number][0]
        assert int(thing["top"]) > 0
        assert int(thing["right"]) < 128
        numbers[thing["picture"]] += 1
    assert set(numbers.values()) == {6, 7, 8}


def test_training_never_sees_what_is_held_out(rows: list[Row], folder: Path) -> None:
    held = held_out(NAMES, (COLOURS, DIRECTIONS), 5)
    new = {row["picture"] for row in rows if row["combination"] == "new"}
    assert len(new) == COUNT * 0.1
    shown: Counter[bool] = Counter()
    for thing in rows_of(folder / "things.csv"):
        there = (thing["name"], thing["colour"]) in held
        assert not there or thing["picture"] in new
        shown[there] += 1
    assert shown[True] > 15
    for row in rows:
        names, colour, direction = words_in(row["question"])
        colour = row["answer"] if row["type"] == "colour" else colour
        needed = {(names[-1], value) for value in (colour, direction) if names and value}
        assert bool(needed & held) == (row["combination"] == "new"), row
        assert row["combination"] == "seen" or row["split"] == "test"


def test_no_picture_is_in_two_splits(rows: list[Row]) -> None:
    splits = {(row["picture"], row["split"]) for row in rows}
    assert len(splits) == len({picture for picture, _ in splits}) == COUNT
    assert Counter(split for _, split in splits) == {"train": 48, "test": 12}


def test_two_questions_of_a_type_differ_in_their_answers(
    rows: list[Row], written: list[Floor]
) -> None:
    pairs = defaultdict(list)
    for row in rows:
        pairs[row["picture"], row["type"]].append(row["answer"])
    assert all(len(answers) == len(set(answers)) == 2 for answers in pairs.values())
    assert {floor.medium for floor in written} == {0.5}


def test_answers_are_balanced(rows: list[Row]) -> None:
    train = [row for row in rows if row["split"] == "train"]
    for kind in ("exists", "relation", "group"):
        found = Counter(row["answer"] for row in train if row["type"] == kind)
        assert found == {"yes": 48, "no": 48}
    colours = Counter(row["answer"] for row in train if row["type"] == "colour")
    assert set(colours) == set(COLOURS)
    assert max(colours.values()) - min(colours.values()) <= 4
    counts = Counter(row["answer"] for row in train if row["type"] == "count")
    assert max(counts[answer] for answer in "01234") < 0.4 * sum(counts.values())
    assert min(counts[answer] for answer in "0123") > 0.1 * sum(counts.values())


def test_every_way_to_ask_is_used(rows: list[Row]) -> None:
    for form in ("colour", "relation, above", "neighbour", "group", "count of a colour"):
        for template in TEMPLATES[form]:
            shape = re.sub(r"\\{\w+\\}", "[a-z ]+", re.escape(template))
            assert any(re.fullmatch(shape, row["question"]) for row in rows), template


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for place, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_scenes(tmp_path / place, 10, seed=seed, size=96)
    names = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(names) == 22
    for name in names:
        first, second, third = (tmp_path / place / name for place in ("one", "two", "three"))
        assert first.read_bytes() == second.read_bytes() != third.read_bytes()
    with Image.open(tmp_path / "one" / "pictures" / "00003.png") as picture:
        assert picture.size == (96, 96)


def test_plait_reads_the_table(folder: Path, rows: list[Row]) -> None:
    table = read(folder / "scenes.csv")
    assert len(table) == len(rows)
    found = {column.name: column.modality for column in detect(table, ["answer"]).columns}
    assert found["picture"] == "image"
    assert found["question"] == "text"


def test_a_folder_that_is_there_stays_as_it_is(folder: Path, rows: list[Row]) -> None:
    with pytest.raises(ConfigError, match="is there already; name a folder that is still"):
        write_scenes(folder, 10)
    assert len(rows_of(folder / "scenes.csv")) == len(rows)


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="size is 47, expected an even number of pixels"):
        write_scenes(tmp_path / "small", 10, size=47)
    with pytest.raises(ConfigError, match="too few for train and test"):
        write_scenes(tmp_path / "few", 5)
    assert not list(tmp_path.iterdir())
