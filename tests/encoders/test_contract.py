"""What every encoder promises, for every encoder of the catalogue."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from made_media import RATE, moving, tone, video_file
from safetensors.torch import load, save

from plait.catalog import ENCODERS
from plait.data.audio import Sound
from plait.data.loader import Source
from plait.data.series import read_series, read_vector
from plait.data.spool import Spool
from plait.data.video import Video, read_video
from plait.encoders.classical_image import ClassicalImageConfig
from plait.encoders.classical_series import SeriesConfig, VectorConfig
from plait.encoders.classical_sound import SoundConfig
from plait.encoders.classical_text import ClassicalTextConfig
from plait.encoders.classical_video import VideoConfig
from plait.encoders.config import EncoderConfig
from plait.encoders.encoder import Encoder, present_of
from plait.encoders.trained import TrainedConfig
from plait.types import Column, Modality

ROWS = 40
MISSING = (3, 11)

CONFIG = EncoderConfig(
    image=ClassicalImageConfig(words=8, width=12),
    text=ClassicalTextConfig(width=12),
    sound=SoundConfig(rate=8000, longest_seconds=1.0, mels=16, coefficients=8, width=12),
    video=VideoConfig(frames=3, motion=4),
    series=SeriesConfig(steps=20, width=12),
    vector=VectorConfig(width=4),
    trained=TrainedConfig(width=16, heads=2, layers=2, vocabulary=300, longest=6, side=16, patch=8),
)
TABULAR = (Modality.NUMBER, Modality.CATEGORY, Modality.CATEGORIES, Modality.DATE)
SOURCES = {
    "image": Source("photo", "image", (Column("photo", Modality.IMAGE),)),
    "text": Source("title", "text", (Column("title", Modality.TEXT),)),
    "audio": Source("sound", "audio", (Column("sound", Modality.AUDIO),)),
    "video": Source("clip", "video", (Column("clip", Modality.VIDEO),)),
    "series": Source("pulse", "series", (Column("pulse", Modality.SERIES, size=2),)),
    "vector": Source("code", "vector", (Column("code", Modality.VECTOR, size=5),)),
    "table": Source("table", "table", tuple(Column(m.value, m) for m in TABULAR)),
}
NAMES = [f"{kind}.{name}" for kind, choices in ENCODERS.items() for name in choices]
FROZEN = [name for name in NAMES if name.endswith("classical")]
TRAINED = [name for name in NAMES if name not in FROZEN]


def build(name: str) -> Encoder:
    kind, _, encoder = name.partition(".")
    return ENCODERS[kind][encoder](SOURCES[kind], CONFIG)


def image(rng: np.random.Generator) -> Any:
    picture = rng.integers(0, 60, (40, 56, 3), dtype=np.uint8)
    for _ in range(3):  # some rectangles
        top, left = rng.integers(0, 30, 2)
        picture[top : top + 12, left : left + 15] += rng.integers(0, 190, 3, dtype=np.uint8)
    return [picture.clip(0, 255)]


def text(rng: np.random.Generator) -> Any:
    return " ".join(rng.choice(["red", "blue", "bicycle", "lamp", "红色", "new"], 4))


def table(rng: np.random.Generator) -> Any:
    cells = (
        float(rng.normal()),
        f"level {rng.integers(200)}",
        tuple(rng.choice(["x", "y", "z"], 2)),
        float(rng.integers(0, 2**31)),
    )
    return tuple(None if rng.random() < 0.2 else cell for cell in cells)


def audio(rng: np.random.Generator) -> Any:
    samples = tone(float(rng.uniform(100, 2000)), float(rng.uniform(0.03, 0.4)))
    return Sound(samples + 0.01 * rng.normal(size=len(samples)).astype(np.float32), RATE)


@cache
def _videos() -> list[Video]:
    return [read_video(video_file(moving(count, speed))) for count in (4, 9) for speed in (1, 3)]


def video(rng: np.random.Generator) -> Any:
    return _videos()[rng.integers(4)]


def series(rng: np.random.Generator) -> Any:
    values = rng.normal(size=(rng.integers(2, 45), 2)).cumsum(axis=0)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[0] = 1.0
    return read_series(values, 2)


def vector(rng: np.random.Generator) -> Any:
    return read_vector([None if rng.random() < 0.1 else float(v) for v in rng.normal(size=5)])


VALUES = {
    "image": image, "text": text, "table": table,
    "audio": audio, "video": video, "series": series, "vector": vector,
}  # fmt: skip
TARGET = np.random.default_rng(9).normal(size=(ROWS, 2)).astype(np.float32)

every_encoder = pytest.mark.parametrize("name", NAMES)


def samples(name: str, encoder: Encoder, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    made = [encoder.preprocess(VALUES[name.partition(".")[0]](rng)) for _ in range(ROWS)]
    return [None if row in MISSING else sample for row, sample in enumerate(made)]


@cache
def fitted(name: str) -> Encoder:
    return fit_anew(name)


def fit_anew(name: str, seed: int = 0) -> Encoder:
    encoder = build(name)
    encoder.fit(samples(name, encoder), TARGET, seed)
    return encoder.eval()


def reloaded(name: str, encoder: Encoder) -> Encoder:
    """Return a new encoder with the state that a model folder holds: tensors and JSON."""
    state = encoder.state_dict()
    tensors = {k: v.contiguous() for k, v in state.items() if isinstance(v, torch.Tensor)}
    facts = {k: v for k, v in state.items() if not isinstance(v, torch.Tensor)}
    again = build(name)
    again.load_state_dict(load(save(tensors)) | json.loads(json.dumps(facts)))
    return again.eval()


@every_encoder
def test_shapes_types_and_missing_rows(name) -> None:
    encoder = fitted(name)
    features = encoder(samples(name, encoder, seed=1))
    assert features.pooled.shape == (ROWS, encoder.width)
    assert features.tokens.shape[::2] == (ROWS, encoder.width)
    assert features.mask.shape == features.source.shape == features.tokens.shape[:2]
    assert features.pooled.dtype == features.tokens.dtype == torch.float32
    assert (features.mask.dtype, features.source.dtype) == (torch.bool, torch.int64)
    assert features.pooled.isfinite().all()
    assert features.pooled.requires_grad == encoder.trained
    missing = torch.zeros(ROWS, dtype=torch.bool)
    missing[list(MISSING)] = True
    assert torch.equal(~features.present, missing)
    assert not features.pooled[missing].any()
    assert not features.tokens[missing].any()
    assert (features.pooled[~missing].abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("name", FROZEN)
def test_rows_have_length_near_one(name) -> None:
    features = fitted(name)(samples(name, build(name)))
    length = features.pooled[features.present].square().sum(dim=1).mean().sqrt()
    assert 0.5 < length < 2.5


@every_encoder
def test_batch_of_one_equals_batch_of_many(name) -> None:
    encoder = fitted(name)
    rows = samples(name, encoder, seed=1)
    many = encoder(rows).pooled
    for row in (0, *MISSING, ROWS - 1):
        assert torch.allclose(encoder([rows[row]]).pooled[0], many[row], atol=1e-5)
    flipped = encoder(rows[::-1]).pooled.flip(0)
    assert torch.allclose(flipped, many, atol=1e-5)


@every_encoder
def test_samples_that_are_kept_on_disk_come_back_as_they_were(name) -> None:
    encoder = fitted(name)
    if not encoder.costly:
        pytest.skip("prepared anew each time")
    rows, spool = samples(name, encoder, seed=1), Spool()
    for row in rows:
        spool.append(row)
    assert torch.equal(encoder(list(spool)).pooled, encoder(rows).pooled)


@every_encoder
def test_all_rows_missing(name) -> None:
    encoder = fitted(name)
    features = encoder([None, None])
    assert features.pooled.shape == (2, encoder.width)
    assert not features.pooled.any()
    assert not features.mask.any()


@every_encoder
def test_state_through_safetensors_and_json_is_the_same_to_the_bit(name) -> None:
    encoder = fitted(name)
    rows = samples(name, encoder, seed=1)
    again = reloaded(name, encoder)
    assert torch.equal(encoder(rows).pooled, again(rows).pooled)
    assert torch.equal(encoder(rows).pooled, encoder(rows).pooled)
    assert again.width == encoder.width
    assert again.code_columns == encoder.code_columns
    one, other = encoder.matrix(rows), again.matrix(rows)
    if isinstance(one, np.ndarray):
        assert np.array_equal(one, other, equal_nan=True)
    elif one is not None:
        assert abs(one - other).max() == 0


@every_encoder
def test_fitting_twice_with_one_seed_is_the_same_to_the_bit(name) -> None:
    rows = samples(name, build(name), seed=1)
    torch.manual_seed(1)
    one = fit_anew(name)(rows).pooled
    torch.manual_seed(2)  # nothing may hang on torch's own generator
    assert torch.equal(one, fit_anew(name)(rows).pooled)


@every_encoder
def test_fit_encode_gives_features_of_training_rows(name) -> None:
    encoder = build(name)
    rows = samples(name, encoder)
    own = encoder.fit_encode(rows, TARGET, 0)
    plain = encoder(rows)
    if own is not None:
        assert own.pooled.shape == plain.pooled.shape
        assert torch.equal(own.mask, plain.mask)
        assert own.pooled.isfinite().all()
        again = build(name).fit_encode(rows, TARGET, 0)
        assert torch.equal(own.pooled, again.pooled)


@every_encoder
def test_fits_on_one_row_and_on_none(name) -> None:
    for rows in (samples(name, build(name))[:1], [None, None]):
        encoder = build(name)
        encoder.fit(rows, TARGET[: len(rows)], 0)
        features = encoder(samples(name, encoder))
        assert features.pooled.isfinite().all()
        assert features.width == encoder.width >= 1


@every_encoder
def test_matrix_has_a_row_each_and_codes_inside(name) -> None:
    encoder = fitted(name)
    matrix = encoder.matrix(samples(name, encoder))
    if matrix is not None:
        assert matrix.shape[0] == ROWS
        assert all(0 <= code < matrix.shape[1] for code in encoder.code_columns)


@pytest.mark.parametrize("name", TRAINED)
def test_gradient_reaches_every_weight(name) -> None:
    encoder = fit_anew(name)
    features = encoder(samples(name, encoder))
    (features.pooled.square().sum() + features.tokens.square().sum()).backward()
    for path, weight in encoder.named_parameters():
        assert weight.grad is not None, path
        assert weight.grad.abs().sum() > 0, path


@pytest.mark.parametrize("name", TRAINED)
def test_another_seed_gives_other_weights(name) -> None:
    rows = samples(name, build(name), seed=1)
    apart = fit_anew(name, seed=0)(rows).pooled - fit_anew(name, seed=1)(rows).pooled
    assert apart.abs().max() > 1e-3


def test_codes_of_the_table_are_its_category() -> None:
    encoder = fitted("table.classical")
    (code,) = encoder.code_columns
    column = encoder.matrix(samples("table.classical", encoder))[:, code]
    assert np.nanmax(column) > 24  # so many that target means are taken
    assert np.array_equal(column[~np.isnan(column)] % 1, np.zeros((~np.isnan(column)).sum()))


def test_training_rows_of_the_table_do_not_see_their_own_target() -> None:
    encoder = build("table.classical")
    rows = samples("table.classical", encoder)
    own, plain = encoder.fit_encode(rows, TARGET, 0), encoder(rows)
    assert not torch.equal(own.pooled, plain.pooled)
    means = slice(2 + 25, 2 + 27)  # after the number, 24 levels and "missing"
    apart = (own.pooled - plain.pooled).abs().amax(dim=0)
    assert (apart[means] > 0.01).all()
    assert not apart[:27].any()
    assert not apart[29:].any()


def test_present_of_draws_without_repeats_and_keeps_the_order() -> None:
    rows = [None if row % 3 == 0 else row for row in range(60)]
    found = present_of(rows, 15, seed=0)
    assert len(found) == len(set(found)) == 15
    assert found == sorted(found)
    assert found == present_of(rows, 15, seed=0) != present_of(rows, 15, seed=1)
    assert present_of(rows, 1000, seed=0) == [row for row in rows if row is not None]
    assert present_of([None], 5, seed=0) == []
