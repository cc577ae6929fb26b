"""`plait recommend` and `plait suggest` as a user runs them, on files that refer to one another."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import plait
from made_choices import made_choices


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("choices")
    tables = made_choices(30)
    tables["choices"]["stars"] = [5] * 449 + [1]
    for name, table in tables.items():
        pd.DataFrame(table).to_csv(home / f"{name}.csv", index=False)
    train = {"epochs": 2, "least_steps": 4, "modality_dropout": 0}
    (home / "settings.json").write_text(json.dumps({"train": train}))
    return home


def test_learned_shown_and_used(folder: Path) -> None:
    shown = plait(
        "recommend", "choices.csv", "--user", "user", "--item", "item", "--time", "time",
        "--join", "user=users.csv", "--join", "item=items.csv:item", "--positive", "stars >= 4",
        "--config", "settings.json", "--text", "item.words", "-o", "model", cwd=folder,
    )  # fmt: skip
    assert "449 choices in 450 rows: 1 are not positive, 0 repeat an earlier one" in shown
    for name in ("popularity", "item-kNN", "two-tower", "gain over best baseline", "coverage@10"):
        assert name in shown
    assert "New: 25 items that nobody had chosen before, among themselves" in shown
    assert "Next: plait suggest model u" in shown
    assert (folder / "model" / "README.md").is_file()

    (folder / "users.csv").write_text((folder / "users.csv").read_text() + "u99,old\n")
    said = plait("suggest", "model", "users.csv", "-o", "best.csv", "-k", 3, cwd=folder)
    assert "Written to best.csv: 93 recommendations." in said
    assert "user.age,not a number: 'old'" in (folder / "best.skipped.csv").read_text()
    with (folder / "best.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["user", "item", "score"]
    assert len(rows) == 93
    (folder / "new.csv").write_text("age,history\n33,i2|i2000\n")
    shown = plait("suggest", "model", "new.csv", "-k", 2, cwd=folder)
    assert "Passed over: row 0, history: not known: i2000" in shown
    assert shown.count("\n") == 4


def test_joins_elsewhere(folder: Path) -> None:
    shown = plait("check", "choices.csv", "--join", "user=users.csv", "--join", "item=items.csv",
                  cwd=folder)  # fmt: skip
    assert "refers to users.csv · its columns stand for it" in shown
    assert "item.words" in shown
