"""The watermark: found where it was put, through JPEG, and nowhere else."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from plait.data.image import read_pictures
from plait.datasets import load
from plait.provenance.watermark import FALSE_ALARM, LUMA, _band, detect, mark, through_jpeg


@pytest.fixture(scope="module")
def emoji() -> list[np.ndarray]:
    table = load("emoji")
    return [read_pictures(table.cell("picture", row))[0] for row in range(0, len(table), 60)]


@pytest.fixture(scope="module")
def marked(emoji: list[np.ndarray]) -> list[np.ndarray]:
    found = [mark(picture) for picture in emoji]
    assert len(found) > 30
    assert all(own is not None for own in found)
    return found  # type: ignore[return-value]


def test_it_survives_jpeg_of_quality_75_and_pictures_without_it_have_none(
    emoji: list[np.ndarray], marked: list[np.ndarray]
) -> None:
    assert all(detect(picture).marked for picture in marked)
    assert all(detect(through_jpeg(picture, 75)).marked for picture in marked)
    assert not any(detect(picture).marked for picture in emoji)
    assert not any(detect(through_jpeg(picture, 75)).marked for picture in emoji)


def test_it_survives_another_encoder_of_jpeg(marked: list[np.ndarray]) -> None:
    found = []
    for picture in marked:
        _, content = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
        found.append(detect(np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))).marked)
    assert all(found)


def test_it_survives_another_size(marked: list[np.ndarray]) -> None:
    larger = [np.asarray(Image.fromarray(own).resize((160, 160))) for own in marked]
    assert np.mean([detect(own).marked for own in larger]) > 0.95


def test_it_is_hardly_seen(emoji: list[np.ndarray], marked: list[np.ndarray]) -> None:
    errors = [np.square(a.astype(float) - b).mean() for a, b in zip(emoji, marked, strict=True)]
    loudness = 10 * np.log10(255**2 / np.array(errors))
    assert loudness.mean() > 40
    assert loudness.min() > 33


def test_the_chance_is_that_of_a_fair_coin(emoji: list[np.ndarray]) -> None:
    """Pictures without a mark: chances are spread over 0..1 as those of coins are."""
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (40, 40, 3)).astype(np.uint8) for _ in range(300)]
    chances = np.array([detect(own).chance for own in noise])
    assert np.mean(chances < 0.1) == pytest.approx(0.09, abs=0.04)
    assert chances.min() > FALSE_ALARM
    found = detect(emoji[0])
    assert 0 < found.agreeing < found.coefficients


def test_it_is_in_the_brightness_and_at_the_middle_frequencies(
    emoji: list[np.ndarray], marked: list[np.ndarray]
) -> None:
    from scipy.fft import dctn

    change = (marked[3].astype(float) - emoji[3]) @ LUMA
    power = np.square(dctn(change, norm="ortho"))
    down, right = np.mgrid[:64, :64]
    inside = (np.hypot(down, right) >= 8) & (np.hypot(down, right) <= 32)
    assert power[inside].sum() > 0.7 * power.sum()  # white cannot be whiter: some is cut


def test_the_pattern_is_the_one_that_pictures_out_there_have() -> None:
    """Another one would no longer find them: this is a format."""
    _, signs, rows, columns = _band(np.zeros((64, 48)))
    told = "".join("+" if sign > 0 else "-" for sign in signs[:24])
    assert (len(signs), told) == (631, "+++++--++----+---+++++-+")
    assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 8, 28, 6)


@pytest.mark.parametrize("side", [8, 23])
def test_no_room(side: int) -> None:
    assert mark(np.full((side, 60, 3), 128, np.uint8)) is None


def test_a_flat_picture_carries_it_and_has_none_before() -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)
    assert detect(flat).chance == 1.0
    found = mark(flat)
    assert found is not None
    assert detect(through_jpeg(found)).marked
