"""A table of pictures, texts, sounds and numbers: all are needed, and any may be missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import draw, write_csv
from made_media import RATE, moving, tone, video_file

import plait
from plait.encoders.config import choose_encoders
from plait.ensemble.config import FitConfig
from plait.ensemble.trees import TreesConfig
from plait.progress import Progress
from plait.train.config import TrainConfig
from plait.types import Modality

QUIET = Progress(show=False)
CONFIG = FitConfig(
    folds=2, trees=TreesConfig(rounds=20), train=TrainConfig(epochs=20, batch_size=32)
)
COLUMNS = ["picture", "words", "noise", "size"]


def make(folder: Path, rows: int, seed: int) -> Path:
    """Write a table whose `kind` is two of four bits: each column knows half of one of them."""
    rng = np.random.default_rng(seed)
    table: dict[str, list[object]] = {name: [] for name in [*COLUMNS, "kind"]}
    for row in range(rows):
        first, second = rng.random(2) < 0.5
        name = f"{seed}-{row}"
        draw("red" if first else "blue", rng).save(folder / f"{name}.png")
        pitch = (1500 if second else 300) * rng.uniform(0.9, 1.1)
        sound = tone(pitch, 0.2) + 0.05 * rng.normal(size=RATE // 5)
        soundfile.write(folder / f"{name}.wav", sound.astype(np.float32), RATE)
        table["picture"].append(f"{name}.png" if row % 7 else "")
        table["noise"].append(f"{name}.wav" if row % 5 else "")
        word = "warm" if first else "cold"
        table["words"].append(f"a {word} thing no {rng.integers(10**6)}" if row % 3 else "")
        table["size"].append(round(float(rng.normal(3 * second, 1)), 3) if row % 4 else "")
        table["kind"].append(f"{int(first)}{int(second)}")
    return write_csv(folder / f"{seed}.csv", table)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("four")
    return make(folder, 160, 0), make(folder, 80, 1)


def fit(table: Path, config: FitConfig = CONFIG) -> plait.Model:
    return plait.fit(table, "kind:category", config=config, progress=QUIET)


def test_what_each_column_is(tables) -> None:
    report = plait.check(tables[0], "kind:category", progress=QUIET)
    found = {item.column.name: item.column.modality for item in report.columns}
    assert found["picture"] is Modality.IMAGE
    assert found["words"] is Modality.TEXT
    assert found["noise"] is Modality.AUDIO
    assert found["size"] is Modality.NUMBER
    noise = next(item for item in report.columns if item.column.name == "noise")
    assert noise.statistics == "0.20 / 0.20 / 0.20 seconds (5, 50, 95 %); 8,000 samples a second"
    assert noise.missing == 32


def test_together_they_know_and_any_may_be_absent(tables) -> None:
    table, new = tables
    model = fit(table)
    whole = model.evaluate(new, QUIET)["accuracy"]
    assert whole > 0.85
    board = model.facts["board"]
    assert {line["name"] for line in board["lines"] if line["level"] == "single"} == {
        "picture", "words", "noise", "table", "table, linear"
    }  # fmt: skip
    assert all(
        line["score"]["value"] < 0.65 for line in board["lines"] if line["level"] == "single"
    )
    data = plait.read(new)
    for name in COLUMNS:
        without = plait.data.table.Table.of(
            {n: data.values(n) for n in data.columns if n != name}, data.folder
        )
        found = model.predict(without, QUIET)
        assert found.absent == ((name,) if name in model.columns else ())
        score = model.evaluate(without, QUIET)["accuracy"]
        assert 0.35 < score <= whole + 0.05


@pytest.mark.parametrize("fusion", ["concat", "bottleneck"])
def test_all_encoders_are_trained_from_scratch(tables, fusion) -> None:
    table, new = tables
    encoders = choose_encoders(["trained", "audio=transformer"])
    trained = replace(encoders.trained, width=16, heads=2, side=16, patch=8, augment=False)
    sound = replace(encoders.sound, rate=8000, mels=16, coefficients=8)
    deep = TrainConfig(epochs=25, least_steps=1, batch_size=32, learning_rate=5e-3, patience=25)
    config = replace(
        CONFIG, folds=1, fusion=fusion, deep=deep,
        encoders=replace(encoders, trained=trained, sound=sound),
        fusion_settings=replace(CONFIG.fusion_settings, width=16),
    )  # fmt: skip
    model = fit(table, config)
    assert {line["name"] for line in model.facts["board"]["lines"]} >= {"noise", fusion}
    scores = model.predict(new, QUIET).scores
    folder = table.parent / fusion
    assert np.array_equal(plait.load(model.save(folder)).predict(new, QUIET).scores, scores)
    assert model.evaluate(new, QUIET)["accuracy"] > 0.7


def test_broken_sounds_are_listed_and_missing(tables, tmp_path: Path) -> None:
    table = plait.read(tables[0])
    (table.folder / "broken.wav").write_bytes(b"RIFF\x10\x00\x00\x00WAVE")
    noise = table.values("noise")
    noise[1] = noise[2] = "broken.wav"
    unused = ["picture", "words"]
    table = table.with_column("noise", noise)
    made = plait.fit(table, "kind:category", ignore=unused, config=CONFIG, progress=QUIET)
    assert {row for (row, name) in made.ledger.entries if name == "noise"} == {1, 2}


def test_series_vectors_and_videos_with_their_sound(tmp_path: Path) -> None:
    """The kind is the speed in the video; its sound, a series and a vector know the other half."""
    rng = np.random.default_rng(0)
    data: dict[str, list[object]] = {"clip": [], "pulse": [], "code": [], "kind": []}
    for row in range(64):
        fast, high = rng.random(2) < 0.5
        sound = tone(1500 if high else 300, 0.8)
        clip = video_file(moving(8, 3 if fast else 0, 32), sound=sound)
        data["clip"].append(clip)
        steps = int(rng.integers(20, 40))
        wave = np.sin(np.arange(steps) * (1.5 if high else 0.3)) + 0.1 * rng.normal(size=steps)
        data["pulse"].append(wave.tolist() if row % 6 else None)
        data["code"].append((rng.normal(size=6) + 2 * high).tolist() if row % 5 else None)
        data["kind"].append("fast" if fast else "still")
        data["kind"][-1] = f"{data['kind'][-1]} {'high' if high else 'low'}"
    schema = {i.column.name: i.column for i in plait.check(data, "kind", progress=QUIET).columns}
    assert schema["clip"].modality is Modality.VIDEO
    assert schema["clip.sound"].modality is Modality.AUDIO
    assert schema["pulse"].modality is Modality.SERIES
    assert (schema["code"].modality, schema["code"].size) == (Modality.VECTOR, 6)
    model = plait.fit(data, "kind", config=CONFIG, progress=QUIET)
    scores = {line["name"]: line["score"]["value"] for line in model.facts["board"]["lines"]}
    assert set(scores) >= {"clip", "clip.sound", "pulse", "code"}
    assert scores["pulse"] < 0.7
    assert max(scores.values()) > 0.85
    silent = [video_file(moving(8, 3, 32)) for _ in range(4)]
    found = model.predict({"clip": silent}, QUIET)
    assert set(found.absent) <= {"pulse", "code"}
    assert len(found) == 4
    folder = model.save(tmp_path / "model")
    assert np.array_equal(plait.load(folder).predict({"clip": silent}, QUIET).scores, found.scores)
    quiet = plait.fit(data, "kind", ignore=["clip.sound", "clip"], config=CONFIG, progress=QUIET)
    assert {source.name for source in quiet.sources} == {"pulse", "code"}
