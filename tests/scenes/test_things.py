"""The vocabulary: emoji that are there, in colours that can be told apart, on any ground."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv

from plait.errors import ConfigError
from plait.scenes.compose import compose, plain_ground
from plait.scenes.questions import Known
from plait.scenes.things import COLOURS, GROUPS, load_things


@pytest.fixture(scope="module", params=["google", "twitter"])
def known(request: pytest.FixtureRequest) -> Known:
    return load_things(request.param)


def test_every_name_is_there_in_every_colour(known: Known) -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(set(names)) == len(names) == 34
    assert set(known) == {(name, colour) for name in names for colour in COLOURS}
    for (name, colour), thing in known.items():
        assert (thing.name, thing.colour) == (name, colour)
        assert name in GROUPS[thing.group]


def test_most_of_what_is_seen_has_the_colour(known: Known) -> None:
    for thing in known.values():
        found = rgb_to_hsv(thing.picture[thing.picture[..., 3] > 127][:, :3] / 255)
        bright = found[(found[:, 1] > 0.3) & (found[:, 2] > 0.3)]
        assert len(bright) > 0.45 * len(found), thing.phrase
        hue, saturation, value = COLOURS[thing.colour]
        off = np.abs((bright[:, 0] - hue + 0.5) % 1 - 0.5)
        assert np.mean(off < 0.03) > 0.9, thing.phrase
        assert abs(np.median(bright[:, 1]) - saturation) < 0.2, thing.phrase
        assert abs(np.median(bright[:, 2]) - value) < 0.2, thing.phrase


def test_all_can_be_seen_on_all_grounds(known: Known) -> None:
    for seed, thing in enumerate(known.values()):
        ground = plain_ground(32, np.random.default_rng(seed))
        scene = compose(ground, [thing], [(0, 0, 32, 32)])
        away = np.linalg.norm(scene.picture.astype(float) - ground, axis=-1)[scene.masks[0]]
        assert np.median(away) > 50, thing.phrase


def test_drawings_touch_no_edge(known: Known) -> None:
    for thing in known.values():
        shown = thing.picture[..., 3] > 127
        assert thing.picture.shape[0] == thing.picture.shape[1]
        assert not shown[[0, -1]].any()
        assert not shown[:, [0, -1]].any()
        assert max(shown.any(axis=0).sum(), shown.any(axis=1).sum()) == len(shown) - 6


def test_a_vendor_that_is_not_known() -> None:
    with pytest.raises(ConfigError, match="Vendor 'goggle'"):
        load_things("goggle")  # type: ignore[arg-type]
