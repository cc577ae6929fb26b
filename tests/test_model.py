"""A model predicts, evaluates, explains; saved and loaded it is the same to the bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.ensemble.config import FitConfig
from plait.ensemble.trees import TreesConfig
from plait.errors import ColumnError, ModelError, TableError
from plait.progress import Progress
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
CONFIG = FitConfig(folds=2, trees=TreesConfig(rounds=10), train=TrainConfig(epochs=10))


@pytest.fixture(scope="module")
def model(things: Path) -> plait.Model:
    return plait.fit(things, "kind", ignore=["price"], config=CONFIG, progress=QUIET)


@pytest.fixture(scope="module")
def folder(model: plait.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("models") / "model")


def test_loaded_it_predicts_the_same_to_the_bit(
    model: plait.Model, folder: Path, new_things: Path
) -> None:
    before = model.predict(new_things, QUIET).scores
    assert np.array_equal(before, plait.load(folder).predict(new_things, QUIET).scores)


def test_a_fresh_process_predicts_the_same_without_training_code(
    model: plait.Model, folder: Path, new_things: Path
) -> None:
    code = (
        "import sys, plait\n"
        f"scores = plait.load({str(folder)!r}).predict({str(new_things)!r}).scores\n"
        "print(scores.tobytes().hex())\n"
        "print([m for m in sys.modules if m.startswith(('plait.train.loop', 'plait.fitting',"
        " 'plait.ensemble.contest', 'plait.ensemble.board', 'matplotlib'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scores, modules = run.stdout.split("\n")[:2]
    assert scores == model.predict(new_things, QUIET).scores.tobytes().hex()
    assert modules == "[]"


def test_the_folder_holds_no_pickle_and_says_what_it_is(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "README.md",
        "plait.json",
        "trees.txt",
        "vocabulary.json",
        "weights.safetensors",
    ]
    for path in folder.iterdir():
        assert not path.read_bytes().startswith((b"\x80\x04", b"\x80\x05", b"PK"))
        assert path.stat().st_mode & 0o044 == 0o044
    document = json.loads((folder / "plait.json").read_text())
    assert document["format"] == 1
    assert set(document["facts"]["versions"]) >= {"plait", "torch", "python"}
    card = (folder / "README.md").read_text()
    for words in ("photo", "one of 4 classes", "from 160 rows", "95 % interval", "seed 0"):
        assert words in card


@pytest.mark.parametrize("gone", [["photo"], ["text"], ["photo", "text"], ["weight", "text"]])
def test_columns_may_be_absent_when_predicting(
    model: plait.Model, new_things: Path, gone: list[str]
) -> None:
    table = plait.read(new_things).drop(gone)
    scores = model.predict(table, QUIET).scores
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_missing_cells_degrade_and_break_nothing(model: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    whole = model.evaluate(table, QUIET)["accuracy"]
    half = table.with_column(
        "photo", [None if r % 2 else p for r, p in enumerate(table.values("photo"))]
    )
    part = model.evaluate(half, QUIET)["accuracy"]
    none = model.evaluate(table.drop(["photo"]), QUIET)["accuracy"]
    assert 0.3 < none < part < whole


def test_a_row_of_nothing_gets_the_prior(model: plait.Model) -> None:
    table = plait.read({"photo": [None], "text": [None], "weight": [None]})
    scores = model.predict(table, QUIET).scores
    np.testing.assert_allclose(scores[0], model.target.prior)


def test_bad_cells_are_counted_and_taken_as_missing(model: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    photos = ["../../etc/passwd", "nowhere.png", *table.values("photo")[2:]]
    prediction = model.predict(table.with_column("photo", photos), QUIET)
    assert sorted(prediction.skipped.entries) == [(0, "photo"), (1, "photo")]
    assert "leaves the table's folder" in prediction.skipped.entries[0, "photo"]
    assert len(prediction) == len(table)


def test_an_unseen_category_is_other(things: Path) -> None:
    table = plait.read(things)
    colours = [kind.split()[1] for kind in table.values("kind")]
    table = table.drop(["photo", "text", "price"]).with_column("colour", colours)
    model = plait.fit(table, "kind", config=CONFIG, progress=QUIET)
    scores = model.predict({"colour": ["red", "green"], "weight": [1.0, 1.0]}, QUIET).scores
    assert np.isfinite(scores).all()
    assert not np.array_equal(scores[0], scores[1])


def test_explanations_add_up(model: plait.Model, new_things: Path) -> None:
    explanations = model.explain(new_things)
    assert len(explanations) == 60
    prediction = model.predict(new_things, QUIET, explain=True)
    assert prediction.explanations == explanations
    assert [item.value for item in explanations] == prediction.values
    assert model.predict(new_things, QUIET).explanations == ()
    for item in explanations:
        assert set(item.contributions) == {"photo", "text", "table"}
        assert item.base + sum(item.contributions.values()) == pytest.approx(item.score, abs=1e-9)
    added = {
        n: np.mean([e.contributions[n] for e in explanations]) for n in ("photo", "text", "table")
    }
    assert added["photo"] > 0.1
    assert added["text"] > 0.1
    assert abs(added["table"]) < 0.1


def test_evaluate_needs_a_target(model: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    with pytest.raises(ColumnError, match="'kind' is not in the table"):
        model.evaluate(table.drop(["kind"]), QUIET)
    with pytest.raises(TableError, match="No row has a value of target 'kind'"):
        model.evaluate(table.with_column("kind", [None] * len(table)), QUIET)


def test_predict_needs_a_column_that_it_knows(model: plait.Model) -> None:
    with pytest.raises(TableError, match="has none of the columns that the model reads"):
        model.predict({"other": [1]}, QUIET)


def test_columns_that_the_table_lacks_are_named(model: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    assert model.predict(table, QUIET).absent == ()
    assert model.predict(table.drop(["text", "weight"]), QUIET).absent == ("text", "weight")


def test_an_old_model_is_not_replaced_unasked(model: plait.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    with pytest.raises(ModelError, match="exists already; choose another folder"):
        model.save(tmp_path / "m")
    model.save(tmp_path / "m", overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="is not a plait model, so it is never overwritten"):
        model.save(tmp_path / "mine", overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "mine"]


def test_a_save_that_fails_half_way_leaves_the_old_model(
    model: plait.Model, tmp_path: Path, new_things: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.save(tmp_path / "m")
    before = plait.load(tmp_path / "m").predict(new_things, QUIET).scores

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for place in ("plait.folder.model_card", "plait.folder.Path.rename"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(OSError, match="No space left"):
                model.save(tmp_path / "m", overwrite=True)
    assert os.listdir(tmp_path) == ["m"]
    assert np.array_equal(plait.load(tmp_path / "m").predict(new_things, QUIET).scores, before)


def test_damaged_folders_are_named(folder: Path, tmp_path: Path) -> None:
    import shutil

    with pytest.raises(ModelError, match=r"has no plait.json|is not a folder"):
        plait.load(tmp_path)
    with pytest.raises(ModelError, match="There is no model folder '.*nowhere'"):
        plait.load(tmp_path / "nowhere")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelError, match="is not a folder, so there is no plait.json"):
        plait.load(tmp_path / "file")
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = copy / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"weights.safetensors' is damaged"):
        plait.load(copy)
    weights.unlink()
    with pytest.raises(ModelError, match="the model folder is not whole"):
        plait.load(copy)
    (copy / "vocabulary.json").write_text("{")
    shutil.copy(folder / "weights.safetensors", weights)
    with pytest.raises(ModelError, match=r"vocabulary.json' is damaged"):
        plait.load(copy)
    document = json.loads((copy / "plait.json").read_text())
    (copy / "plait.json").write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(ModelError, match="has format 99, this plait reads up to 1"):
        plait.load(copy)


def test_skipped_cells_are_written_beside_the_model(things: Path, tmp_path: Path) -> None:
    table = plait.read(things)
    weights = ["heavy", *table.values("weight")[1:]]
    table = table.drop(["photo", "price"]).with_column("weight", weights)
    model = plait.fit(table, "kind", modalities={"weight": "number"}, config=CONFIG, progress=QUIET)
    lines = (model.save(tmp_path / "m") / "skipped.csv").read_text().splitlines()
    assert lines == ["row,column,reason", "0,weight,not a number: 'heavy'"]
