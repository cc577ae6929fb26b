"""Each type of question, on a scene that was laid out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plait.scenes.compose import Scene, Thing
from plait.scenes.questions import TYPES, Known, names_of
from plait.scenes.views import View, alone, views

DOT = np.zeros((1, 1, 4), np.uint8)

KNOWN: Known = {
    (name, colour): Thing(name, group, colour, DOT)
    for group, names in {"animal": ("dog", "cat", "owl"), "fruit": ("pear", "fig")}.items()
    for name in names
    for colour in ("red", "blue", "green")
}


def laid_out(*things: tuple[str, str, int, int]) -> Scene:
    """Return a scene of names and colours at rows and columns, three pixels wide each."""
    masks = np.zeros((len(things), 100, 100), bool)
    for mask, (_, _, row, column) in zip(masks, things, strict=True):
        mask[row - 1 : row + 2, column - 1 : column + 2] = True
    picture = np.zeros((100, 100, 3), np.uint8)
    return Scene(picture, tuple(KNOWN[name, colour] for name, colour, _, _ in things), masks)


SCENE = laid_out(
    ("dog", "red", 50, 50),
    ("cat", "blue", 52, 20),
    ("pear", "red", 10, 48),
    ("pear", "blue", 90, 90),
)


def asked(kind: str, scene: Scene = SCENE) -> dict[tuple[str, ...], str]:
    """Return the answers by form and words."""
    return {
        (one.form, *one.words.values()): one.answer for one in TYPES[kind](scene, KNOWN)
    }  # fmt: skip


def test_exists() -> None:
    found = asked("exists")
    assert found["exists", "a dog"] == found["exists", "a pear"] == "yes"
    assert found["exists", "an owl"] == found["exists", "a fig"] == "no"
    assert (
        found["exists in colour", "a red pear"] == found["exists in colour", "a blue cat"] == "yes"
    )
    assert found["exists in colour", "a blue dog"] == "no"
    assert ("exists in colour", "a green dog") not in found  # nothing green is there at all
    assert ("exists in colour", "a red owl") not in found


def test_count() -> None:
    found = asked("count")
    assert found["count", "pears"] == "2"
    assert found["count", "dogs"] == "1"
    assert found["count", "owls"] == "0"
    assert found["count in colour", "pears", "red"] == "1"
    assert found["count in colour", "pears", "green"] == "0"
    assert found["count of a colour", "red"] == "2"
    assert found["count of a colour", "green"] == "0"


def test_colour() -> None:
    assert asked("colour") == {("colour", "dog"): "red", ("colour", "cat"): "blue"}


def test_relation() -> None:
    found = {
        (other, form, name): answer for (form, other, name), answer in asked("relation").items()
    }
    assert found["cat", "relation, left of", "dog"] == "yes"
    assert found["dog", "relation, right of", "cat"] == "yes"
    for direction in ("right of", "above", "below"):
        assert found["cat", f"relation, {direction}", "dog"] == "no"
    assert not any("pear" in words for words in found)  # there are two
    slanted = asked("relation", laid_out(("dog", "red", 50, 50), ("cat", "red", 20, 20)))
    assert {form for form, other, _ in slanted if other == "cat"} == {
        "relation, right of",
        "relation, below",
    }
    assert set(slanted.values()) == {"no"}  # half left and half above: neither is asked


def test_neighbour() -> None:
    assert asked("neighbour") == {
        ("neighbour", "left of", "dog"): "cat",
        ("neighbour", "above", "dog"): "pear",
        ("neighbour", "right of", "cat"): "dog",  # the pear is 56 degrees off, but far enough
        ("neighbour", "above", "cat"): "pear",  # 34 degrees off
    }
    row = [("dog", "red", 50, 10), ("cat", "red", 50, 30), ("owl", "red", 50, 35)]
    close = asked("neighbour", laid_out(row[0], row[1], ("owl", "red", 50, 35)))
    assert ("neighbour", "right of", "dog") not in close  # the owl is hardly further
    far = asked("neighbour", laid_out(row[0], row[1], ("owl", "red", 50, 40)))
    assert far["neighbour", "right of", "dog"] == "cat"
    corner = asked("neighbour", laid_out(row[0], row[1], ("owl", "red", 30, 22)))
    assert ("neighbour", "right of", "dog") not in corner  # the owl is right of the dog, nearly


def test_group() -> None:
    found = asked(
        "group", laid_out(("dog", "red", 9, 9), ("cat", "red", 50, 9), ("fig", "red", 9, 50))
    )
    assert found == {
        ("group", "dog", "animal"): "yes",
        ("group", "cat", "animal"): "yes",
        ("group", "fig", "fruit"): "no",
    }


def test_what_one_must_understand() -> None:
    needs = {kind: {one.needs for one in find(SCENE, KNOWN)} for kind, find in TYPES.items()}
    assert needs["group"] == {None}
    assert ("dog", "blue") in needs["exists"]
    assert ("pear", "green") in needs["count"]
    assert needs["colour"] == {("dog", "red"), ("cat", "blue")}
    assert needs["neighbour"] == needs["relation"] & needs["neighbour"]
    assert ("dog", "above") in needs["neighbour"]
    assert ("dog", "below") in needs["relation"] - needs["neighbour"]


def test_alone_and_names() -> None:
    assert alone(SCENE) == [0, 1]
    assert names_of(KNOWN) == ("dog", "cat", "owl", "pear", "fig")


def test_views_from_centre_to_centre() -> None:
    found = {(view.anchor, view.direction): view for view in views(SCENE)}
    assert len(found) == 8
    left = found[0, "left of"]
    assert left.distances[1] == pytest.approx(np.hypot(2, 30))
    assert left.angles[1] == pytest.approx(np.degrees(np.arctan2(2, 30)))
    assert found[0, "above"].angles[2] == pytest.approx(np.degrees(np.arctan2(2, 40)))
    assert np.isnan(left.angles[0])
    assert left.lies_there(0) is None


def test_a_view_says_where_people_could_disagree() -> None:
    view = View(0, "above", np.array([np.nan, 34.0, 50.0, 81.0]), np.array([np.nan, 9, 9, 9]))
    assert [view.lies_there(number) for number in range(4)] == [None, True, None, False]
    assert view.nearest() is None  # the one at 50 degrees is as near
