"""Questions about a scene, by type, with the answers that follow from what is where.

Every type is a function from a scene to all questions of this type that have one clear answer.
Where a question would be ambiguous (two dogs, or something half left and half above), it is not
among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from plait.scenes.compose import Scene, Thing
from plait.scenes.held import Combination
from plait.scenes.views import alone, views
from plait.scenes.wording import a, plural, yes

Known = Mapping[Combination, Thing]
"""All things there may be, by name and colour."""


@dataclass(frozen=True)
class Question:
    """What can be asked about a scene or a clip.

    Attributes:
        form: which templates say it.
        words: what is put into them.
        answer: the only one.
        needs: the combination that one must understand to answer, if it needs one.
    """

    form: str
    words: Mapping[str, str]
    answer: str
    needs: Combination | None = None


def exists(scene: Scene, known: Known) -> Iterator[Question]:
    """Yield whether there is a dog, or a red dog.

    A red dog is asked for only where a dog and something red are there, so neither word is enough.
    """
    here = {(thing.name, thing.colour) for thing in scene.things}
    names, colours = {name for name, _ in here}, {colour for _, colour in here}
    for name in names_of(known):
        yield Question("exists", {"a_name": a(name)}, yes(name in names))
    for name, colour in known:
        if name in names and colour in colours:
            there, words = (name, colour) in here, {"a_phrase": a(f"{colour} {name}")}
            yield Question("exists in colour", words, yes(there), (name, colour))


def count(scene: Scene, known: Known) -> Iterator[Question]:
    """Yield how many dogs, red dogs, or red things there are."""
    names = Counter(thing.name for thing in scene.things)
    colours = Counter(thing.colour for thing in scene.things)
    both = Counter((thing.name, thing.colour) for thing in scene.things)
    for name in names_of(known):
        yield Question("count", {"plural": plural(name)}, str(names[name]))
    for name, colour in known:
        if names[name]:
            words = {"plural": plural(name), "colour": colour}
            yield Question("count in colour", words, str(both[name, colour]), (name, colour))
    for colour in dict.fromkeys(colour for _, colour in known):
        yield Question("count of a colour", {"colour": colour}, str(colours[colour]))


def colour_of(scene: Scene, known: Known) -> Iterator[Question]:
    """Yield which colour the dog has, where there is one dog."""
    for number in alone(scene):
        thing = scene.things[number]
        needs = (thing.name, thing.colour)
        yield Question("colour", {"name": thing.name}, thing.colour, needs)


def relation(scene: Scene, known: Known) -> Iterator[Question]:
    """Yield whether the cat is above the dog.

    Each direction is a form, so that two such questions differ in a name: were they to differ in
    direction, where one of the two lies in the picture would nearly always tell.
    """
    for view in views(scene):
        name = scene.things[view.anchor].name
        for number in alone(scene):
            there = view.lies_there(number)
            if there is not None:
                words = {"other": scene.things[number].name, "name": name}
                form = f"relation, {view.direction}"
                yield Question(form, words, yes(there), (name, view.direction))


def neighbour(scene: Scene, known: Known) -> Iterator[Question]:
    """Yield what is directly left of the dog."""
    for view in views(scene):
        name, number = scene.things[view.anchor].name, view.nearest()
        if number is not None:
            words, answer = {"direction": view.direction, "name": name}, scene.things[number].name
            yield Question("neighbour", words, answer, (name, view.direction))


def group(scene: Scene, known: Known) -> Iterator[Question]:
    """Yield whether there is another animal besides the dog."""
    groups = Counter(thing.group for thing in scene.things)
    for number in alone(scene):
        thing = scene.things[number]
        words = {"name": thing.name, "group": thing.group}
        yield Question("group", words, yes(groups[thing.group] > 1))


def names_of(known: Known) -> tuple[str, ...]:
    """Return the names of all things, each once."""
    return tuple(dict.fromkeys(name for name, _ in known))


TYPES: Mapping[str, Callable[[Scene, Known], Iterator[Question]]] = {
    "exists": exists,
    "count": count,
    "colour": colour_of,
    "relation": relation,
    "neighbour": neighbour,
    "group": group,
}
"""All questions of a scene, by type."""
