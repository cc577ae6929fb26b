"""Pretrained networks inside a whole model: fit, compare, predict, save and load, embed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import made_models
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import plait
from plait.catalog import FUSIONS
from plait.cli import app
from plait.data.loader import Source
from plait.encoders.config import EncoderConfig, choose_encoders
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.image import ImageBackbone
from plait.ensemble.entrants import MANY, line_up
from plait.errors import ConfigError, ModelError, TableError
from plait.layers import has_bfloat16
from plait.model import Model
from plait.progress import Progress
from plait.store import HOME
from plait.types import Column, Modality

QUIET = Progress(show=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    made_models.vit(folder / "vit")
    made_models.bert(folder / "bert")
    return folder


@pytest.fixture(scope="module")
def config(home: Path) -> plait.FitConfig:
    words = [f"image={home / 'vit'}", f"text={home / 'bert'}"]
    return plait.FitConfig(folds=1, encoders=choose_encoders(words))


@pytest.fixture(scope="module")
def model(things: Path, config: plait.FitConfig) -> Model:
    return plait.fit(things, "kind", ignore=["price"], config=config, progress=QUIET)


def test_both_modalities_are_learned(model: Model, new_things: Path) -> None:
    """Each alone is right in half of the rows."""
    assert set(model.entrant.sources) >= {"photo", "text"}
    assert model.evaluate(new_things, QUIET)["accuracy"] > 0.8


def test_saved_and_loaded_it_predicts_the_same(
    model: Model, new_things: Path, tmp_path: Path
) -> None:
    folder = model.save(tmp_path / "model")
    again = plait.load(folder).predict(new_things, QUIET).scores
    np.testing.assert_array_equal(again, model.predict(new_things, QUIET).scores)
    weights = (folder / "weights.safetensors").stat().st_size
    assert weights < 3e6  # the networks' own weights are not copied
    card = (folder / "README.md").read_text()
    for name in ("vit", "bert"):
        assert f"/{name}` for" in card


def test_linear_models_and_perceptrons_are_entered_where_they_pay(config: plait.FitConfig) -> None:
    sources = (
        Source("photo", "image", (Column("photo", Modality.IMAGE),)),
        Source("text", "text", (Column("text", Modality.TEXT),)),
    )

    def names(encoders: EncoderConfig, rows: int, fusion: str = "concat") -> list[str]:
        return [e.name for e in line_up(sources, ["classify"], [fusion], [], encoders, rows)]

    frozen = config.encoders
    assert names(frozen, MANY - 1)[2:] == ["concat", "trees", "linear", "blend"]
    assert names(frozen, MANY)[2:] == ["concat", "ensemble", "trees", "linear", "blend"]
    assert names(frozen, MANY, "ensemble")[2:] == ["ensemble", "trees", "linear", "blend"]
    assert names(EncoderConfig(), MANY)[2:] == ["concat", "trees", "blend"]


@pytest.mark.skipif(not has_bfloat16(), reason="the processor has no bfloat16")
def test_a_model_keeps_the_precision_it_learned_from(
    things: Path, new_things: Path, config: plait.FitConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for tables that are too short to choose one."""
    monkeypatch.setattr("plait.embedding.WORTH", 50)
    monkeypatch.setattr("plait.precision.WORTH", 50)
    monkeypatch.setattr("plait.precision.AGREEMENT", 0.9)
    fitted = plait.fit(things, "kind", ignore=["price"], config=config, progress=QUIET)
    found = {name: e for name, e in fitted.encoders.items() if isinstance(e, Pretrained)}
    assert found
    for encoder in found.values():
        assert encoder.facts["precision"] == "bfloat16"
        assert 0.9 < encoder.facts["agreement"] < 1
    few = plait.read(new_things).take(range(5))
    whole = fitted.predict(new_things, QUIET).scores[:5]
    np.testing.assert_allclose(fitted.predict(few, QUIET).scores, whole, atol=1e-6)


def test_with_and_without_the_cache_alike(
    model: Model, new_things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = model.predict(new_things, QUIET).scores
    monkeypatch.setenv(HOME, str(tmp_path / "empty"))
    cold, warm = (model.predict(new_things, QUIET).scores for _ in range(2))
    np.testing.assert_array_equal(cold, warm)
    np.testing.assert_allclose(cold, wanted, atol=1e-4)
    pretrained = replace(model.config.encoders.pretrained, cache=False)
    encoders = replace(model.config.encoders, pretrained=pretrained)
    off = Model(**{**vars(model), "config": replace(model.config, encoders=encoders)})
    np.testing.assert_allclose(off.predict(new_things, QUIET).scores, wanted, atol=1e-4)


def test_a_network_that_changed_is_refused(
    model: Model, new_things: Path, tmp_path: Path, home: Path
) -> None:
    from plait.encoders.pretrained.weights import identity

    folder = model.save(tmp_path / "model")
    kept = shutil.copytree(home / "vit", tmp_path / "kept")
    try:
        shutil.rmtree(home / "vit")
        loaded = plait.load(folder)
        identity.cache_clear()
        with pytest.raises(ModelError, match="There is no model folder .*vit"):
            loaded.predict(new_things, QUIET)
        made_models.dinov2(home / "vit")
        identity.cache_clear()
        with pytest.raises(ModelError, match="fitted on vectors of another network"):
            loaded.predict(new_things, QUIET)
    finally:
        shutil.rmtree(home / "vit")
        shutil.copytree(kept, home / "vit")
        identity.cache_clear()


def test_every_fusion_and_each_file_is_seen_once(
    things: Path, config: plait.FitConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME, str(tmp_path / "cache"))
    seen: list[int] = []
    forward = ImageBackbone.forward

    def counted(self, samples):  # type: ignore[no-untyped-def]
        seen.append(len(samples))
        return forward(self, samples)

    monkeypatch.setattr(ImageBackbone, "forward", counted)
    quick = replace(config.train, epochs=1, least_steps=1)
    board = plait.compare(
        things, "kind", ignore=["price"], fusions=list(FUSIONS), progress=QUIET,
        config=replace(config, train=quick, folds=2),
    )  # fmt: skip
    assert {line.name for line in board.lines} >= set(FUSIONS)
    assert sum(seen) == len(plait.read(things))


def test_one_column_pretrained_and_another_trained(
    things: Path, new_things: Path, home: Path
) -> None:
    base = plait.FitConfig(folds=1)
    encoders = choose_encoders([f"image={home / 'vit'}", "text=lstm"])
    deep = replace(base.deep, epochs=3, least_steps=60)
    fitted = plait.fit(things, "kind", ignore=["price"], progress=QUIET,
                       config=replace(base, encoders=encoders, deep=deep))  # fmt: skip
    assert fitted.evaluate(new_things, QUIET)["accuracy"] > 0.4


def test_names_that_are_neither(things: Path) -> None:
    config = plait.FitConfig(encoders=choose_encoders(["image=vitt"]))
    with pytest.raises(ConfigError, match="Encoder of image 'vitt' is not known.*model's folder"):
        plait.fit(things, "kind", config=config, progress=QUIET)
    with pytest.raises(ConfigError, match="pretrained, image=NAME"):
        choose_encoders(["pretraned"])


def test_the_standard_preset_says_what_it_lacks(
    things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"google/siglip2-base-patch16-224' is not on this mach"):
        plait.fit(things, "kind", preset="standard", progress=QUIET)


def test_embed(things: Path, home: Path, tmp_path: Path) -> None:
    table = plait.read(things)
    table = table.with_column("photo", ["gone.png", *table.values("photo")[1:]])
    words = [f"image={home / 'vit'}", f"text={home / 'bert'}"]
    found = plait.embed(table, words, progress=QUIET)
    assert set(found.columns) == {"photo", "text"}
    assert np.isnan(found.columns["photo"][0]).all()
    assert np.isfinite(found.columns["photo"][1:]).all()
    assert len(found.skipped) == 1
    found.write(tmp_path / "vectors.parquet")
    written = pq.read_table(tmp_path / "vectors.parquet")
    assert written["photo_vector"][0].as_py() is None
    np.testing.assert_array_equal(written["text_vector"][3].as_py(), found.columns["text"][3])
    assert written["kind"].to_pylist() == table.values("kind")


def test_embed_needs_something_to_read() -> None:
    with pytest.raises(TableError, match=r"No column is read by a pretrained network; found table"):
        plait.embed({"size": [1.0, 2.0, 3.5] * 20}, progress=QUIET)


def test_embed_of_what_rows_refer_to(
    things: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files lie in the folder of their own table, and what is referred to by nothing is told."""
    monkeypatch.setenv(HOME, str(tmp_path / "cache"))
    table = plait.read(things)
    names = table.values("photo")
    sold = [names[3], names[0], "none.png", names[3]]
    (tmp_path / "sold.csv").write_text("\n".join(["thing,sold", *(f"{n},2" for n in sold)]))
    said = CliRunner().invoke(app, [
        "embed", str(tmp_path / "sold.csv"), "--join", f"thing={things}:photo", "--text",
        "thing.text", "--encoders", f"text={home / 'bert'}", "-o", str(tmp_path / "v.parquet"),
    ])  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "thing.text: 3 vectors of 32 numbers, 1 row missing" in said.output
    found = pq.read_table(tmp_path / "v.parquet").to_pydict()
    assert found["thing.kind"] == [table.cell("kind", 3), table.cell("kind", 0), None] + [
        table.cell("kind", 3)
    ]
    words = [f"text={home / 'bert'}"]
    alone = plait.embed(table, words, ignore=["photo"], progress=QUIET).columns["text"]
    for row, own in ((0, 3), (1, 0), (3, 3)):
        np.testing.assert_array_equal(found["thing.text_vector"][row], alone[own])
    assert found["thing.text_vector"][2] is None
    skipped = (tmp_path / "v.skipped.csv").read_text()
    assert skipped.splitlines()[1:] == ["2,thing,none.png is not in things.csv"]


def test_the_command_line(
    things: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME, str(tmp_path / "cache"))
    monkeypatch.setenv("PLAIT_MODELS", str(home))
    run = CliRunner()
    said = run.invoke(app, ["embed", str(things), "--encoders", "image=vit,text=bert",
                            "-o", str(tmp_path / "v.parquet")])  # fmt: skip
    assert said.exit_code == 0, said.output
    rows = len(plait.read(things))
    assert f"photo: {rows} vectors of 32 numbers" in said.output
    assert pq.read_table(tmp_path / "v.parquet").num_rows == rows
    held = run.invoke(app, ["cache"]).output
    assert "0.00 of 10 GB" in held
    assert not held.startswith("0 values")
    assert "Cleared" in run.invoke(app, ["cache", "--clear"]).output
    assert run.invoke(app, ["cache"]).output.startswith("0 values")
