"""`plait write` as a user runs it, and kills it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import plait
from conftest import write_csv
from made_endpoint import Answer, serving, text_of
from PIL import Image
from typer.testing import CliRunner

from plait.cli import app

KEY = "sk-this-is-never-seen"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures and titles, a cache of their own, and a key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    for row in range(12):
        Image.new("RGB", (16, 16), (20 * row, 9, 9)).save(tmp_path / f"{row}.png")
    columns: dict[str, list[Any]] = {
        "photo": [f"{row}.png" for row in range(12)],
        "title": [f"title {row}" for row in range(12)],
    }
    columns["photo"][7] = "gone.png"
    return write_csv(tmp_path / "table.csv", columns)


def arguments(url: str, table: Path, *more: object) -> list[object]:
    prompt = "Describe {photo}. Title: {title}"
    return ["write", table, "--with-endpoint", url, "--model", "small", "--prompt", prompt,
            "-o", table.parent / "written.parquet", *more]  # fmt: skip


def echo(request: dict[str, Any], number: int) -> Answer:
    return Answer(text_of(request).split("Title: ")[1])


def run_here(*given: object, code: int = 0) -> str:
    """Run the command line in this process, which is quicker, and return what it printed."""
    result = CliRunner().invoke(app, [str(item) for item in given])
    assert result.exit_code == code, result.output
    return result.output


def test_a_killed_run_goes_on_and_pays_for_nothing_twice(table: Path) -> None:
    killed = False

    def answer(request: dict[str, Any], number: int) -> Answer:
        found = echo(request, number)
        found.seconds = 60 if number >= 5 and not killed else 0
        return found

    with serving(answer) as served:
        start = [sys.executable, "-c", "from plait.cli import main; main()"]
        command = [*start, *map(str, arguments(served.url, table, "--parallel", 3))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Whoever asks next has kept the answer before: three wait, so five answers are kept.
        while len(served.requests) < 8:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        killed = True
        assert not (table.parent / "written.parquet").exists()
        output = plait(*arguments(served.url, table, "--parallel", 3))
        first, waiting, then = (
            set(served.prompts()[:5]),
            set(served.prompts()[5:8]),
            served.prompts()[8:],
        )
    assert len(then) == len(set(then)) == 6
    assert not first & set(then)
    assert waiting <= set(then)
    assert "11 rows written" in output
    assert "5 of them known from before" in output
    written = pd.read_parquet(table.parent / "written.parquet")
    expected = [None if row == 7 else f"title {row}" for row in range(12)]
    assert [value if isinstance(value, str) else None for value in written["caption"]] == expected
    assert written["photo"][7] == "gone.png"


def test_the_key_is_nowhere_and_a_ceiling_leaves_a_part(table: Path) -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        return Answer(f"{echo(request, number).body} {KEY}")

    more = ["--column", "label", "--price-in", "0.5", "--price-out", "2"]
    with serving(answer) as served:
        output = run_here(*arguments(served.url, table, *more, "--max-requests", 4), code=3)
        assert "Stopped, since the 4 requests of this run are used up. 7 rows left" in output
        partial = pd.read_parquet(table.parent / "written.partial.parquet")
        assert partial["label"].notna().sum() == 4
        assert not (table.parent / "written.parquet").exists()
        output += run_here(*arguments(served.url, table, *more))
        assert served.headers[0]["Authorization"] == f"Bearer {KEY}"
        assert len(served.requests) == 11
    assert not (table.parent / "written.partial.parquet").exists()
    assert "7 requests; in all 1,100 tokens read and 110 written, 0.0008 spent." in output
    assert "No answer: 1 row; see" in output
    skipped = (table.parent / "written.skipped.csv").read_text(encoding="utf-8")
    assert "7,label,photo: there is no file 'gone.png'" in skipped
    assert KEY not in output
    files = [path for path in table.parent.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_options_that_do_not_fit(table: Path) -> None:
    def error(*more: object, prompt: str | None = None) -> str:
        given = [str(item) for item in arguments("http://localhost:1/v1", table, *more)]
        if prompt is not None:
            given[given.index("--prompt") + 1] = prompt
        return str(CliRunner().invoke(app, given).exception)

    (table.parent / "list.json").write_text(json.dumps([1]), encoding="utf-8")
    assert "Column 'title' is in the table; name another one" in error("--column", "title")
    assert "say --one-of or --json-schema" in error("--one-of", "a,b", "--json-schema", "x.json")
    assert "Cannot read settings from" in error("--json-schema", table.parent / "list.json")
    assert "Field 'seed' cannot be set; write name=value" in error("--set", "seed")
    assert "Field 'stream=true' cannot be set" in error("--set", "stream=true")
    assert "Did you mean 'photo'?" in error(prompt="Describe {foto}")
    assert "A ceiling of cost needs prices" in error("--max-cost", 1)
    (table.parent / "written.parquet").touch()
    assert "exists already" in error()


def test_other_fields_of_the_request(table: Path) -> None:
    with serving(lambda request, number: Answer("Yes")) as served:
        more = ["--set", "seed=1", "--set", "temperature=null", "--set", "effort=low"]
        more += ["--one-of", "yes,no", "--longest-answer", "3"]
        run_here(*arguments(served.url, table, *more))
        request = served.requests[0]
    assert request["seed"] == 1
    assert request["effort"] == "low"
    assert request["max_tokens"] == 3
    assert "temperature" not in request
    content = request["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text", "text"]
    written = pd.read_parquet(table.parent / "written.parquet")
    assert set(written["caption"].dropna()) == {"yes"}
