"""`plait fit` of a text, `ask`, `caption`, `predict`, `evaluate`: as a user does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from command_line import here as plait
from conftest import draw, write_csv
from writer_settings import make_captions, small

from plait.config import to_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, settings, and a model that was fitted on the command line."""
    folder = tmp_path_factory.mktemp("write")
    write_csv(folder / "captions.csv", make_captions(folder, 120, seed=0))
    settings = to_json(small())
    settings["writing"] |= {"epochs": 4, "least_steps": 60}
    (folder / "settings.json").write_text(json.dumps(settings))
    said = plait(
        "fit", folder / "captions.csv", "-t", "caption:text", "--config", folder / "settings.json",
        "-o", folder / "model",
    )  # fmt: skip
    assert "written" in said
    assert "by people" in said
    assert "cider" in said
    assert f"Next: plait caption {folder / 'model'} new.csv" in said
    return folder


def picture(folder: Path) -> Path:
    path = folder / "pictures" / "new.png"
    draw("red", np.random.default_rng(5)).save(path)
    return path


def test_ask(folder: Path) -> None:
    path, model = picture(folder), folder / "model"
    said = plait("ask", model, path, "a giant thing", "-o", folder / "rests.png")
    assert said.startswith("A ")
    assert "confidence 0." in said
    assert "What each word rests on" in said
    assert (folder / "rests.png").stat().st_size > 1000
    streamed = plait("ask", model, path, "a giant thing", "--stream")
    assert streamed.strip() == said.splitlines()[0]
    found = json.loads(plait("ask", model, path, "--json", "--candidates", "3"))
    assert len(found["candidates"]) == 3
    assert found["probability"] is None


def test_answers_that_are_allowed(folder: Path) -> None:
    path, model = picture(folder), folder / "model"
    assert plait("ask", model, path, "--one-of", "yes,no").splitlines()[0] in ("yes", "no")
    assert plait("ask", model, path, "--regex", "[0-9]{2} dogs").splitlines()[0].endswith("dogs")
    schema = folder / "schema.json"
    schema.write_text(json.dumps({
        "type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}},
        "required": ["n"], "additionalProperties": False,
    }))  # fmt: skip
    said = plait("ask", model, path, "--json-schema", schema, "--longest", 40).splitlines()[0]
    assert 0 <= json.loads(said)["n"] <= 9


def test_caption_a_folder_and_a_table(folder: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "album"
    pictures.mkdir()
    for number in range(3):
        draw("blue", np.random.default_rng(number)).save(pictures / f"{number}.png")
    (pictures / "3.png").write_bytes(b"nothing")
    output = tmp_path / "captions.parquet"
    said = plait("caption", folder / "model", pictures, "-o", output, "--candidates", 2)
    assert "4 predictions of 'caption'" in said
    assert "1 cell" in said
    rows = pq.read_table(output).to_pylist()
    assert len(rows) == 4
    assert rows[0]["caption_written"].startswith("A ")
    assert rows[0]["caption_written_2"]
    assert 0 < rows[0]["confidence"] <= 1
    assert rows[3]["caption_written"] is None
    assert "not a picture" in output.with_suffix(".skipped.csv").read_text()


def test_predict_and_evaluate(folder: Path, tmp_path: Path) -> None:
    table, model = folder / "captions.csv", folder / "model"
    plait("predict", model, table, "-o", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120
    assert all(row["caption_written"] for row in rows)
    found = json.loads(plait("evaluate", model, table, "--json"))
    assert found["rows"] == 120
    assert "120 different inputs" in plait("evaluate", model, table)
    refused = plait("predict", model, table, "-o", tmp_path / "no.csv", "--explain", ok=False)
    assert "this model writes texts" in refused


def test_what_does_not_go_together(folder: Path) -> None:
    path, model = picture(folder), folder / "model"
    for words, options in (
        ("--stream shows one text", ["--stream", "--candidates", 2]),
        ("--beams looks for the best text", ["--beams", 2, "--temperature", 1]),
        ("Say one of --one-of, --regex", ["--one-of", "a", "--regex", "b"]),
        ("so no error rate of it is known", ["--error-rate", 0.1]),
        ("There is no column left for", ["more", "and more"]),
    ):
        assert words in " ".join(plait("ask", model, path, *options, ok=False).split())
    said = plait("fit", folder / "captions.csv", "-t", "caption:text", "--as-is", "-o",
                 folder / "other", ok=False)  # fmt: skip
    assert "name one in language_model (--language-model)" in " ".join(said.split())


def test_answers_and_rewards_are_drawn(folder: Path, tmp_path: Path) -> None:
    table = make_captions(folder, 40, seed=2)
    table["answer"] = [caption.split()[1] for caption in table.pop("caption")]
    write_csv(folder / "answers.csv", table)
    settings = to_json(small())
    settings["writing"] |= {"epochs": 1, "least_steps": 2}
    settings["rewarded"] |= {"epochs": 1, "least_steps": 1}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    said = plait(
        "fit", folder / "answers.csv", "-t", "answer:text", "--config", tmp_path / "settings.json",
        "--reward", "token_f1", "-o", tmp_path / "model",
    )  # fmt: skip
    assert "exact_match" in said
    for name in ("risk.png", "rewards.png"):
        assert (tmp_path / "model" / name).stat().st_size > 5000
