"""A killed run goes on from its journal, and ends with the same numbers to the bit."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.config import to_json
from plait.ensemble import contest
from plait.ensemble.config import FitConfig
from plait.ensemble.journal import Done, Journal
from plait.ensemble.trees import TreesConfig, TreesExpert
from plait.errors import ModelError
from plait.progress import Progress
from plait.report.files import write_json
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
CONFIG = FitConfig(folds=2, trees=TreesConfig(rounds=10), train=TrainConfig(epochs=10))

EXPERTS = ["photo", "text", "table", "table, linear", "concat", "trees"]


def test_what_is_written_is_read_to_the_bit(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", {"table": "x"})
    scores = np.random.default_rng(0).normal(size=(5, 2)).T  # not laid out in rows
    scores[0, 1] = np.nan
    journal.write(1, "a/b: c", Done(scores, 0.1, 1 / 3, 7))
    again = Journal(tmp_path / "journal", {"table": "x"})
    assert again.read(0, "a/b: c") is None
    found = again.read(1, "a/b: c")
    assert found is not None
    np.testing.assert_array_equal(found.scores, scores)
    assert (found.fit_seconds, found.predict_seconds, found.size) == (0.1, 1 / 3, 7)
    again.remove()
    assert not (tmp_path / "journal").exists()


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    journal = Journal()
    journal.write(0, "a", Done(np.zeros((1, 1)), 0.0, 0.0, 0))
    assert journal.read(0, "a") is None
    journal.remove()


def test_the_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "j", {"table": "x", "settings": {"seed": 0}, "versions": 1})
    message = "is the journal of another run: table, settings changed since. Run without resume"
    with pytest.raises(ModelError, match=message):
        Journal(tmp_path / "j", {"table": "y", "settings": {"seed": 1}, "versions": 1})


def test_only_what_is_missing_is_done_again(
    things: Path, new_things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(journal: Path | None = None) -> plait.Model:
        config = replace(CONFIG, drop=0.0)
        return plait.fit(
            things, "kind", ignore=["price"], config=config, journal=journal, progress=QUIET
        )

    whole = fit()
    folder = tmp_path / "journal"
    learn, calls = TreesExpert.fit, []

    def killed(self, *rest) -> None:
        calls.append(self.sources)
        if len(calls) == 4:  # those of the table and of all columns, in the second fold
            raise KeyboardInterrupt
        learn(self, *rest)

    monkeypatch.setattr(TreesExpert, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(folder)
    monkeypatch.setattr(TreesExpert, "fit", learn)
    built: list[str] = []
    build = contest.build_expert
    monkeypatch.setattr(
        contest, "build_expert", lambda e, *r: (built.append(e.name), build(e, *r))[1]
    )
    resumed = fit(folder)
    again = built[: len(built) - len(resumed.experts)]
    assert "trees" in again
    assert not {"text", "table", "table, linear"} & set(again)  # which came before it
    assert not folder.exists()
    before, after = (m.predict(new_things, QUIET).scores for m in (whole, resumed))
    np.testing.assert_array_equal(before, after)
    scores = [[line["score"] for line in m.facts["board"]["lines"]] for m in (whole, resumed)]
    assert scores[0] == scores[1]


def test_who_left_before_a_run_was_killed_does_not_come_back(
    things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    build = contest.build_expert

    def count(entrant, *rest):
        if len(built) == stop:
            raise KeyboardInterrupt
        built.append(entrant.name)
        return build(entrant, *rest)

    def fit(journal: Path) -> plait.Model:
        config = replace(CONFIG, folds=3, drop=1.0)  # whatever the blend has no use for
        return plait.fit(
            things, "kind", ignore=["price"], config=config, journal=journal, progress=QUIET
        )

    monkeypatch.setattr(contest, "build_expert", count)
    stop = 100
    whole = fit(tmp_path / "whole")
    left = {one["name"]: one for one in whole.facts["board"]["dropped"]}
    first = [name for name, one in left.items() if one["folds"] == 1]
    assert first
    assert sorted(built[:6]) == sorted(EXPERTS)
    assert not set(first) & set(built[6:])
    built.clear()
    stop = 8
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "killed")
    built.clear()
    stop = 100
    resumed = fit(tmp_path / "killed")
    assert not set(first) & set(built)
    assert resumed.facts["board"]["dropped"] == whole.facts["board"]["dropped"]


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


def test_killed_at_any_moment_it_ends_with_the_same_weights(things: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    write_json(settings, to_json(replace(CONFIG, folds=3)))

    def command(name: str) -> list[str]:
        start = [sys.executable, "-m", "plait", "fit", str(things), "-t", "kind"]
        return [*start, "--ignore", "price", "--config", str(settings), "-o", str(tmp_path / name),
                "--resume"]  # fmt: skip

    subprocess.run(command("whole"), check=True, capture_output=True)
    killed, journal, random = 0, tmp_path / ".killed-journal", np.random.default_rng(0)
    for written in (2, 9, 16):
        run = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL)
        while run.poll() is None and len(list(journal.glob("*"))) < written:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.1))
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            killed += 1
        run.wait()
    assert killed
    if not (tmp_path / "killed").exists():
        assert (tmp_path / ".killed-journal").is_dir()
        subprocess.run(command("killed"), check=True, capture_output=True)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert not (tmp_path / ".killed-journal").exists()
