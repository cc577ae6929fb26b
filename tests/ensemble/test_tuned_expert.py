"""Preset `best`: networks that are trained on, inside a whole fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import plait
from plait import fitting
from plait.cli import app
from plait.encoders import config as encoder_config
from plait.encoders.config import choose_encoders
from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.tuned import FineTuned
from plait.ensemble.tuned_expert import TunedExpert
from plait.errors import ConfigError, ModelError
from plait.model import Model
from plait.progress import Progress
from plait.train.config import TrainConfig
from plait.train.step import Lesson, Step

QUIET = Progress(show=False)


def fine_tuned(config: plait.FitConfig, way: str) -> plait.FitConfig:
    return replace(config, encoders=encoder_config.fine_tuned(config.encoders, way))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> plait.FitConfig:
    home = tmp_path_factory.mktemp("models")
    made_models.vit(home / "vit")
    made_models.bert(home / "bert")
    words = [f"image={home / 'vit'}", f"text={home / 'bert'}"]
    encoders = replace(choose_encoders(words), finetune=FineTuneConfig(rate=1e-3))
    tuned = TrainConfig(epochs=4, least_steps=30, batch_size=32, learning_rate=5e-4)
    return plait.FitConfig(folds=1, encoders=encoders, tuned=tuned)


def fit(things: Path, config: plait.FitConfig, journal: Path | None = None) -> Model:
    """Return what a fit makes of the tuned entrant, which is the only one but for one modality."""
    real = fitting.line_up
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "LEAST_A_CLASS", 10)
        patch.setattr(
            fitting, "line_up",
            lambda *a, **k: tuple(e for e in real(*a, **k) if e.name in ("photo", "tuned")),
        )  # fmt: skip
        return plait.fit(
            things, "kind", preset="best", ignore=["price"], config=config, progress=QUIET,
            journal=journal,
        )  # fmt: skip


@pytest.fixture(scope="module")
def model(things: Path, config: plait.FitConfig) -> Model:
    return fit(things, config)


def test_training_on_beats_the_frozen_networks(model: Model, new_things: Path) -> None:
    board = {line["name"]: line["score"]["value"] for line in model.facts["board"]["lines"]}
    assert set(board) == {"photo", "tuned"}
    expert = model.experts["tuned"]
    assert isinstance(expert, TunedExpert)
    assert list(expert.costs) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert min(expert.costs.values()) < 0.8 * expert.costs[0.0]
    assert model.evaluate(new_things, QUIET)["accuracy"] > 0.85
    assert "image" not in model.encoders  # what nothing reads frozen is not encoded twice
    assert set(model.encoders) == {"table"}


@pytest.mark.parametrize("way", ["last", "lora"])
def test_other_ways(
    way: str, things: Path, new_things: Path, config: plait.FitConfig, tmp_path: Path
) -> None:
    found = fit(things, fine_tuned(config, way))
    assert found.evaluate(new_things, QUIET)["accuracy"] > 0.6
    folder = found.save(tmp_path / way)
    again = plait.load(folder)
    np.testing.assert_array_equal(
        again.predict(new_things, QUIET).scores, found.predict(new_things, QUIET).scores
    )
    stored = load_file(folder / "weights.safetensors")
    assert not any("lora" in name for name in stored)


@pytest.mark.parametrize("way", ["all", "lora"])
def test_killed_it_goes_on_to_the_same_weights(
    way: str, things: Path, config: plait.FitConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = fine_tuned(replace(config, tuned=replace(config.tuned, epochs=2, least_steps=8)), way)
    expected = fit(things, short).experts["tuned"].state().tensors
    monkeypatch.setattr("plait.train.checkpoint.SECONDS", 0.0)
    take, taken = Step.__call__, []

    def killed(self: Step, lesson: Lesson, batch: torch.Tensor) -> float:
        if any(isinstance(e, FineTuned) for e in self.course.network.encoders):
            taken.append(self.course.step)
            if len(taken) == 7:  # in the second epoch
                raise KeyboardInterrupt
        return take(self, lesson, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Step, "__call__", killed)
        with pytest.raises(KeyboardInterrupt):
            fit(things, short, tmp_path / "journal")
    assert list((tmp_path / "journal").rglob("*.safetensors"))
    found = fit(things, short, tmp_path / "journal").experts["tuned"].state().tensors
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(found[key], value), key


def test_saved_loaded_and_saved_again(model: Model, new_things: Path, tmp_path: Path) -> None:
    expected = model.predict(new_things, QUIET).scores
    once = plait.load(model.save(tmp_path / "one"))
    twice = plait.load(once.save(tmp_path / "two"))
    for other in (once, twice):
        np.testing.assert_array_equal(other.predict(new_things, QUIET).scores, expected)
    expert = twice.experts["tuned"]
    assert isinstance(expert, TunedExpert)
    assert expert.costs == model.experts["tuned"].costs  # type: ignore[attr-defined]


def test_a_weight_that_is_not_there_is_named(model: Model, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "m")
    stored = load_file(folder / "weights.safetensors")
    lost = next(name for name in stored if "/task." in name)
    save_file({k: v for k, v in stored.items() if k != lost}, folder / "weights.safetensors")
    with pytest.raises(ModelError, match=r"The model's weights lack 'task.*folder is damaged"):
        plait.load(folder)


def test_a_row_without_a_picture_is_still_predicted(model: Model, new_things: Path) -> None:
    table = plait.read(new_things).take(range(4))
    half = {name: [table.cell(name, row) for row in range(4)] for name in ("text",)}
    assert np.isfinite(model.predict(half, QUIET).scores).all()


def test_export(model: Model, tmp_path: Path) -> None:
    folder = str(model.save(tmp_path / "m"))
    run = CliRunner()
    shown = run.invoke(app, ["export", folder, "photo", "-o", str(tmp_path / "vit")])
    assert "Next: --encoders KIND=" in shown.output
    assert (tmp_path / "vit" / "model.safetensors").is_file()
    assert (tmp_path / "vit" / "preprocessor_config.json").is_file()
    assert not list(tmp_path.glob(".vit-*"))
    with pytest.raises(
        ConfigError, match=r"Fine-tuned source 'foto' is not known. Did you mean 'p"
    ):
        model.export("foto", tmp_path / "x")
    with pytest.raises(ModelError, match="exists and is not a plait model"):
        model.export("photo", tmp_path / "vit")


def test_a_model_of_frozen_networks_has_nothing_to_export(things: Path, tmp_path: Path) -> None:
    found = plait.fit(things, "kind", ignore=["price", "photo"], progress=QUIET)
    with pytest.raises(ConfigError, match="no network that was fine-tuned: none was asked for"):
        found.export("photo", tmp_path / "x")


def test_few_rows_a_class_keep_the_networks_as_they_are(
    things: Path, config: plait.FitConfig
) -> None:
    found = plait.fit(
        things, "kind", preset="best", ignore=["price"], config=config, progress=QUIET
    )
    assert "tuned" not in {line["name"] for line in found.facts["board"]["lines"]}
    assert "40 rows a class in the mean are fewer than the 50" in found.facts["note"]


def test_ways_are_checked(config: plait.FitConfig, things: Path) -> None:
    with pytest.raises(ConfigError, match="Way of fine-tuning 'lor' is not known. Did you mean 'l"):
        fine_tuned(config, "lor")
    quick = fine_tuned(plait.FitConfig(), "lora")
    with pytest.raises(ConfigError, match=r"no pretrained network to fine-tune \('lora' was asked"):
        plait.fit(things, "kind", config=quick, progress=QUIET)
    shown = CliRunner().invoke(
        app, ["fit", str(things), "-t", "kind", "--fine-tune", "lora", "-o", str(things) + "-m"]
    )
    assert shown.exit_code
