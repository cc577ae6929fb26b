"""Phrases that mean things in a scene, by kind: what they mean follows from what is where.

As with questions, every kind is a function from a scene to all phrases of it that have one clear
meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plait.scenes.compose import Scene
from plait.scenes.held import Combination
from plait.scenes.questions import Known, names_of
from plait.scenes.views import alone, views
from plait.scenes.wording import plural


@dataclass(frozen=True)
class Phrase:
    """What can be meant in a scene.

    Attributes:
        form: which templates say it.
        words: what is put into them.
        things: the numbers of the things that it means; none where it matches nothing.
        needs: the combination that one must understand, if it needs one.
    """

    form: str
    words: Mapping[str, str]
    things: tuple[int, ...]
    needs: Combination | None = None


def by_name(scene: Scene, known: Known) -> Iterator[Phrase]:
    """Yield the dog, where there is one dog."""
    for number in alone(scene):
        yield Phrase("the one", {"name": scene.things[number].name}, (number,))


def by_colour(scene: Scene, known: Known) -> Iterator[Phrase]:
    """Yield the red dog, where there are another dog and something else in red.

    So neither word is enough.
    """
    names = Counter(thing.name for thing in scene.things)
    colours = Counter(thing.colour for thing in scene.things)
    for number, thing in enumerate(scene.things):
        others = matching(scene, thing.name, thing.colour) != (number,)
        if not others and names[thing.name] > 1 and colours[thing.colour] > 1:
            words = {"name": thing.name, "colour": thing.colour}
            yield Phrase("the one in colour", words, (number,), (thing.name, thing.colour))


def by_place(scene: Scene, known: Known) -> Iterator[Phrase]:
    """Yield the cat left of the dog, where there are more cats, none of which is left of it."""
    yield from (phrase for phrase in _placed(scene) if phrase.things)


def _placed(scene: Scene) -> Iterator[Phrase]:
    """Yield the cat left of the dog, where there are several cats, and one or none is left of it.

    Where it could be said that a second one is, there is no such phrase.
    """
    counts = Counter(thing.name for thing in scene.things)
    for view in views(scene):
        name = scene.things[view.anchor].name
        for other in (other for other, count in counts.items() if count > 1):
            copies = matching(scene, other)
            there = [view.lies_there(number) for number in copies]
            if None not in there and sum(map(bool, there)) < 2:
                things = tuple(n for n, lies in zip(copies, there, strict=True) if lies)
                words = {"other": other, "name": name}
                needs = (name, view.direction)
                yield Phrase(f"the one {view.direction}", words, things, needs)


def every(scene: Scene, known: Known) -> Iterator[Phrase]:
    """Yield all dogs, all red dogs and all red things, where there are several."""
    for name in dict.fromkeys(thing.name for thing in scene.things):
        yield from _several("all", scene, name, None)
    for colour in dict.fromkeys(thing.colour for thing in scene.things):
        yield from _several("all of a colour", scene, None, colour)
    for name, colour in dict.fromkeys((thing.name, thing.colour) for thing in scene.things):
        yield from _several("all in colour", scene, name, colour)


def _several(form: str, scene: Scene, name: str | None, colour: str | None) -> Iterator[Phrase]:
    things = matching(scene, name, colour)
    if len(things) > 1:
        words = {"name": name or "", "plural": plural(name or ""), "colour": colour or ""}
        yield Phrase(form, words, things, (name, colour) if name and colour else None)


def nothing(scene: Scene, known: Known) -> Iterator[Phrase]:
    """Yield what is not there: the owl, the red dog, all red dogs, the cat left of the dog.

    A red dog is named only where several dogs and something red are there, as in `by_colour`.
    """
    names = Counter(thing.name for thing in scene.things)
    colours = {thing.colour for thing in scene.things}
    for name in names_of(known):
        if name not in names:
            yield Phrase("the one", {"name": name}, ())
    for name, colour in known:
        if names[name] > 1 and colour in colours and not matching(scene, name, colour):
            words = {"name": name, "plural": plural(name), "colour": colour}
            for form in ("the one in colour", "all in colour"):
                yield Phrase(form, words, (), (name, colour))
    yield from (phrase for phrase in _placed(scene) if not phrase.things)


KINDS: Mapping[str, Callable[[Scene, Known], Iterator[Phrase]]] = {
    "name": by_name,
    "colour": by_colour,
    "place": by_place,
    "plural": every,
    "nothing": nothing,
}
"""All phrases of a scene, by kind."""


def matching(scene: Scene, name: str | None, colour: str | None = None) -> tuple[int, ...]:
    """Return the numbers of the things of a name, a colour, or both."""
    return tuple(
        number
        for number, thing in enumerate(scene.things)
        if name in (None, thing.name) and colour in (None, thing.colour)
    )


def two_of_each(
    scene: Scene,
    known: Known,
    held: Collection[Combination],
    new: bool,
    random: np.random.Generator,
) -> list[tuple[str, Phrase]]:
    """Return at most two phrases of each kind, which mean different things, with their kinds.

    Two, so that the picture alone cannot know what is meant. Of what matches nothing, they are of
    two forms.

    Args:
        scene: that they are about.
        known: the things by name and colour.
        held: combinations that are held out of training.
        new: whether all phrases need one of these, or none does.
        random: what is drawn from.
    """
    chosen = []
    for kind, find in KINDS.items():
        found = [phrase for phrase in find(scene, known) if (phrase.needs in held) == new]
        # Forms that can be said in many ways would leave no room for others.
        forms = list(dict.fromkeys(phrase.form for phrase in found))
        order = {forms[place]: rank for rank, place in enumerate(random.permutation(len(forms)))}
        mixed = [found[place] for place in random.permutation(len(found))]
        if kind == "nothing":
            mixed.sort(key=lambda phrase: order[phrase.form])
        different = {phrase.things or phrase.form: phrase for phrase in reversed(mixed)}
        chosen += [(kind, phrase) for phrase in list(reversed(different.values()))[:2]]
    return chosen
