"""`plait index` and `plait search` as they are typed."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_index import made_space, part, things
from PIL import Image
from typer.testing import CliRunner

from plait.cli import app
from plait.errors import ColumnError, ConfigError, PlaitError
from plait.progress import Progress


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with a space, and two tables whose photos are files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Progress, "visible", False)
    made_space().save("space")
    table = things(40)
    table["code"] = [" ".join(f"{x:.4f}" for x in code) for code in table["code"]]
    table["photo"] = [f"{words.split()[0]}.png" for words in table["words"]]
    for colour in {photo.removesuffix(".png") for photo in table["photo"]}:
        Image.new("RGB", (30, 20), colour).save(f"{colour}.png")
    for name, rows in (("all.csv", range(30)), ("more.csv", range(28, 40))):
        chosen = part(table, rows)
        with Path(name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(chosen)
            writer.writerows(zip(*chosen.values(), strict=True))


def run(*arguments: str) -> str:
    """Run a command and return what it printed; a mistake is raised."""
    found = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def refused(*arguments: str) -> PlaitError:
    with pytest.raises(PlaitError) as error:
        run(*arguments)
    return error.value


def test_the_whole_way() -> None:
    index = ("index", "space", "all.csv", "-o", "t.lance", "--group", "code", "--key", "name")
    shown = run(*index)
    assert "Indexed 30 rows." in shown
    assert "t.lance: version 2, 30 rows; vectors of 32 numbers, searched by exact." in shown
    assert "exists already" in str(refused(*index))

    shown = run("search", "t.lance", "red cup", "-k", "4", "--facet", "brand", "--sheet", "f.png",
                "--columns", "name,words", "--where", "price > 1")  # fmt: skip
    assert "reciprocal ranks" in shown
    assert "brand: " in shown
    assert ".0 " not in run("search", "t.lance", "cup", "--columns", "price")
    assert "Sheet: f.png" in shown
    assert np.asarray(Image.open("f.png")).ndim == 3
    assert "exists already" in str(refused("search", "t.lance", "cup", "--sheet", "f.png"))

    found = json.loads(run("search", "t.lance", "--like", "3", "--not", "red", "-k", "2", "--page",
                           "2", "--mode", "vector", "--diverse", "0.2", "--json"))  # fmt: skip
    assert found["page"] == 2
    assert [set(hit) for hit in found["hits"]] == [{"row", "score", "cells"}] * 2
    assert "only words were looked for" in run("search", "t.lance", "漂亮")

    code = " ".join(f"{x:.4f}" for x in things(40)["code"][5])
    cell = ("search", "t.lance", "--cell", f"code={code}", "-k", "1", "--mode", "vector", "--json")
    assert json.loads(run(*cell))["hits"][0]["cells"]["name"] == things(40)["name"][5]
    both = ("search", "t.lance", "red", "--cell", "words=red", "--cell", f"code={code}")
    assert "reciprocal ranks" in run(*both)

    shown = run("index", "space", "more.csv", "-o", "t.lance", "--add")
    assert "Added 12 rows." in shown
    assert "40 rows" in shown
    assert "Removed " in run("index", "-o", "t.lance", "--remove", "brand = 'X'")
    history = run("index", "-o", "t.lance", "--history")
    assert [line.split()[0] for line in history.splitlines()[:2]] == ["1", "2"]
    assert "30 rows" in run("index", "-o", "t.lance", "--restore", "2")
    assert "30 rows" in run("index", "-o", "t.lance", "--compact")
    assert run("index", "-o", "t.lance", "--duplicates", "0.9999").strip() == ""
    assert len(run("index", "-o", "t.lance", "--duplicates", "0.5").split()) > 2
    again = run(*index, "--overwrite", "--engine", "graph", "--language", "English", "--text",
                "words,zh")  # fmt: skip
    assert "searched by graph, recall@10 1.000 on its own vectors" in again


def test_mistakes() -> None:
    assert "Say which rows: plait index SPACE TABLE" in str(refused("index"))
    two = refused("index", "-o", "t.lance", "--history", "--compact")
    assert "only one can be done at a time" in str(two)
    run("index", "space", "all.csv", "-o", "t.lance", "--group", "code")
    assert isinstance(refused("search", "t.lance"), ConfigError)
    wrong = refused("search", "t.lance", "cup", "--where", "prices < 5")
    assert isinstance(wrong, ColumnError)
    assert "Did you mean 'price'" in str(wrong)
    assert "--cell takes COLUMN=VALUE, found 'cup'" in str(
        refused("search", "t.lance", "--cell", "cup")
    )
    wrong = refused("search", "t.lance", "--cell", "word=cup")
    assert "Column of the space 'word' is not known. Did you mean 'words'" in str(wrong)
    assert "cannot be asked with a picture" in str(refused("search", "t.lance", "--image", "q.png"))


def test_dates_are_texts_in_json() -> None:
    days = pa.array([datetime(2026, 1, 5)] * 3, pa.timestamp("s"))
    pq.write_table(pa.table({"code": things(3)["code"], "day": days}), "typed.parquet")
    run("index", "space", "typed.parquet", "-o", "d.lance")
    found = json.loads(run("search", "d.lance", "--like", "0", "-k", "1", "--json"))
    assert found["hits"][0]["cells"] == {"day": "2026-01-05 00:00:00"}
