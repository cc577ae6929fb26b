"""The image encoder: strange pictures, several pictures, settings that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from plait.encoders.classical_image import ClassicalImage, ClassicalImageConfig
from plait.encoders.histograms import colour_histogram
from plait.errors import ConfigError

NOTHING = np.zeros((1, 1), np.float32)
RNG = np.random.default_rng(0)
NOISE = [RNG.integers(0, 256, (40, 56, 3), dtype=np.uint8) for _ in range(12)]


def fitted(samples: list, **settings) -> ClassicalImage:
    encoder = ClassicalImage(ClassicalImageConfig(**settings))
    encoder.fit([None if s is None else encoder.preprocess(s) for s in samples], NOTHING, 0)
    return encoder


STRANGE = {
    "blank": [[np.full((30, 40, 3), 255, np.uint8)]] * 5,
    "pixel": [[np.full((1, 1, 3), value, np.uint8)] for value in (0, 9, 255)],
    "line": [[np.full((1, 4000, 3), value, np.uint8)] for value in (0, 9, 255)],
    "one": [[NOISE[0]]],
    "two": [[NOISE[0]], None, [NOISE[1]], None],
    "none": [None, None],
}


@pytest.mark.parametrize("samples", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(
    "settings",
    [{}, {"denoise": "bilateral", "equalise": True, "pooling": "words"},
     {"denoise": "median", "side": 16, "hog_side": 16, "colour": False}],
    ids=str,
)  # fmt: skip
def test_strange_pictures_stay_finite(samples, settings) -> None:
    encoder = fitted(samples, **settings)
    new = [encoder.preprocess([NOISE[5]]), encoder.preprocess([np.zeros((1, 1, 3), np.uint8)])]
    features = encoder([*new, None])
    assert features.pooled.shape == (3, encoder.width)
    assert features.pooled.isfinite().all()
    assert features.pooled.abs().max() < 1e3


def test_several_pictures_are_averaged() -> None:
    encoder = fitted([[picture] for picture in NOISE])
    both = encoder.preprocess([NOISE[0], NOISE[1]])
    one, other = encoder.preprocess([NOISE[0]]), encoder.preprocess([NOISE[1]])
    assert len(both[0]) == len(one[0]) + len(other[0])
    assert both[1] == pytest.approx((one[1] + other[1]) / 2)
    assert both[2] == pytest.approx((one[2] + other[2]) / 2)
    assert both[1].dtype == both[2].dtype == np.float32


def test_parts_are_what_the_histograms_give() -> None:
    assert np.array_equal(
        ClassicalImage(ClassicalImageConfig()).preprocess([NOISE[0]])[1],
        colour_histogram(NOISE[0]),
    )


def test_pictures_are_told_apart_by_colour_and_by_shape() -> None:
    def striped(upright: bool, red: bool) -> np.ndarray:
        picture = RNG.integers(0, 40, (48, 48, 3), dtype=np.uint8)
        start = RNG.integers(0, 6)
        bands = np.arange(start, 48 + start) // 6 % 2 == 0
        where = np.tile(bands, (48, 1)) if upright else np.tile(bands[:, None], (1, 48))
        picture[where, 0 if red else 2] += 180
        return picture

    kinds = [(upright, red) for upright in (True, False) for red in (True, False)]
    encoder = fitted([[striped(*kind)] for kind in kinds * 10], width=16)
    centres = [encoder([encoder.preprocess([striped(*k)]) for _ in range(5)]).pooled.mean(dim=0)
               for k in kinds]  # fmt: skip
    for number, kind in enumerate(kinds):
        new = encoder([encoder.preprocess([striped(*kind)])]).pooled[0]
        assert min(range(4), key=lambda k: (new - centres[k]).norm()) == number


def test_a_side_that_cells_do_not_fill_is_refused() -> None:
    with pytest.raises(ConfigError, match="'hog_side' must be a multiple of 8, found 20"):
        ClassicalImageConfig(hog_side=20)
