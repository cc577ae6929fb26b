"""The command line as a user runs it: a process, its output, its files."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command_line import here, plait


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    values = {"train": {"epochs": 10}, "trees": {"rounds": 10}, "folds": 2}
    path.write_text(json.dumps(values))
    return path


@pytest.fixture(scope="module")
def model(things: Path, settings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "model"
    shown = plait(
        "fit", things, "-t", "kind", "--ignore", "price", "--config", settings, "-o", folder
    )
    assert "Combining modalities helped" in shown
    assert f"The model is in {folder}" in shown
    assert (folder / "board.png").read_bytes().startswith(b"\x89PNG")
    return folder


def test_check(things: Path) -> None:
    shown = plait("check", things, "--target", "kind", "--ignore", "price")
    assert "photo" in shown
    assert "4 classes" in shown
    report = json.loads(plait("check", things, "-t", "kind", "--json", "--text", "weight"))
    said = {item["column"]["name"]: item["column"]["modality"] for item in report["columns"]}
    assert said["weight"] == "text"


def test_the_bundled_table_has_a_name() -> None:
    report = json.loads(here("check", "bundled:emoji", "--json"))
    said = {item["column"]["name"]: item["column"]["modality"] for item in report["columns"]}
    assert (said["picture"], said["name"]) == ("image", "text")
    shown = here("check", "bundled:emojis", ok=False)
    assert "Data set 'emojis' is not known. Did you mean 'emoji'?" in shown


def test_sounds_videos_series_and_vectors_are_said(tmp_path: Path) -> None:
    rows = [f"{n},a{n}.wav,v{n}.mp4,1 2 {n},3 {n}\n" for n in range(12)]
    table = tmp_path / "table.csv"
    table.write_text("n,a,b,c,d\n" + "".join(rows))
    said = ["--sound", "a", "--video", "b", "--series", "c", "--vector", "d"]
    for options in (said, ["--audio", *said[1:]]):
        report = json.loads(plait("check", table, "--json", *options))
        found = {item["column"]["name"]: item["column"] for item in report["columns"]}
        assert {name: found[name]["modality"] for name in "abcd"} == {
            "a": "audio", "b": "video", "c": "series", "d": "vector"
        }  # fmt: skip
        assert (found["c"]["size"], found["d"]["size"]) == (1, 2)
        assert all(column["evidence"] == "said by the user" for column in map(found.get, "abcd"))


def test_predict(model: Path, new_things: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "out.csv"
    shown = plait("predict", model, new_things, "-o", output, "--probabilities", "--explain")
    assert "60 predictions of 'kind'" in shown
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 60
    right = sum(row["kind"] == row["kind_predicted"] for row in rows) / 60
    assert right > 0.8
    classes = [name for name in rows[0] if name.startswith("p(")]
    assert classes == ["p(big blue)", "p(big red)", "p(small blue)", "p(small red)"]
    assert sum(float(rows[0][name]) for name in classes) == pytest.approx(1, abs=1e-5)
    assert {"from photo", "from text", "from table"} <= set(rows[0])
    again = plait("predict", model, new_things, "-o", output, ok=False)
    assert "exists already" in again
    plait("predict", model, new_things, "-o", output, "--overwrite")
    plait("predict", model, new_things, "-o", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 60
    plait("predict", model, new_things, "-o", tmp_path / "out.jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert first["kind_predicted"] == rows[0]["kind_predicted"]
    assert "suffix must be" in plait("predict", model, new_things, "-o", "out.xls", ok=False)


def test_distil(model: Path, things: Path, new_things: Path, tmp_path: Path) -> None:
    student = tmp_path / "student"
    options = ["--columns", "text", "--size", "tiny", "--temperature", 3, "--seed", 1]
    shown = plait("distil", model, new_things, "-o", student, "--test", things, *options)
    for words in ("labels alone", "the student's lead", "like the teacher", "times as fast"):
        assert words in shown
    assert "Learned from 60 rows, 60 of them with a label; judged on 160 rows" in shown
    assert f"The student is in {student}" in shown
    rows = list(csv.DictReader((student / "distilled.csv").read_text().splitlines()))
    assert [row["model"] for row in rows] == ["teacher", "student", "labels alone"]
    assert float(rows[1]["megabytes"]) < float(rows[0]["megabytes"])
    found = json.loads((student / "distilled.json").read_text())
    assert found["config"] == {"temperature": 3.0, "alpha": 0.5, "beta": 1.0, "seed": 1}
    assert found["columns"] == ["text"]
    assert "60 predictions" in plait("predict", student, new_things, "-o", tmp_path / "p.csv")
    again = plait("distil", model, new_things, "-o", student, ok=False)
    assert "exists already" in again
    assert "There is no model folder" in plait("distil", tmp_path / "no", new_things, ok=False)
    assert not (tmp_path / ".student-journal").exists()


def test_predict_lists_what_it_could_not_read(model: Path, new_things: Path) -> None:
    table = new_things.parent / "bad.csv"
    table.write_text("photo,text\nnowhere.png,a huge thing\n,a tiny thing\n")
    output = new_things.parent / "bad-out.csv"
    shown = plait("predict", model, table, "-o", output, "--overwrite")
    assert "because not to be read: 1 cell; see" in shown
    skipped = output.with_suffix(".skipped.csv").read_text()
    assert "0,photo,there is no file 'nowhere.png'" in skipped


def test_evaluate_and_explain(model: Path, new_things: Path) -> None:
    assert "balanced_accuracy" in plait("evaluate", model, new_things)
    scores = json.loads(plait("evaluate", model, new_things, "--json"))["scores"]
    assert scores["accuracy"]["low"] <= scores["accuracy"]["value"] <= scores["accuracy"]["high"]
    shown = plait("explain", model, new_things, "--rows", 3)
    assert "photo" in shown
    assert len([line for line in shown.splitlines() if line.strip()]) == 4


def test_compare(things: Path, settings: Path, tmp_path: Path) -> None:
    arguments = ["compare", things, "-t", "kind", "--ignore", "price,photo", "--config", settings]
    shown = plait(*arguments, "-o", tmp_path / "board", "--folds", 3, "--seed", 5)
    assert "stacking" in shown
    assert "in 3 folds; saying the same of every row scores" in shown
    board = json.loads((tmp_path / "board" / "board.json").read_text())
    rows = list(csv.DictReader((tmp_path / "board" / "board.csv").read_text().splitlines()))
    assert [row["entrant"] for row in rows] == [line["name"] for line in board["lines"]]
    assert "exists already" in plait(*arguments, "-o", tmp_path / "board", ok=False)
    shown = plait(*arguments, "--fusion", "low_rank,graph", "--folds", 1)
    assert [word for word in ("low_rank", "graph", "concat") if word in shown.split()] == [
        "low_rank", "graph",
    ]  # fmt: skip
    wrong = plait(*arguments, "--fusion", "grph", ok=False)
    assert "Fusion 'grph' is not known. Did you mean 'graph'?" in wrong


def test_fit_with_a_search_leaves_its_picture_and_all_losses(
    things: Path, settings: Path, tmp_path: Path
) -> None:
    arguments = ["fit", things, "-t", "kind", "--ignore", "price,photo", "--config", settings]
    plait(*arguments, "-o", tmp_path / "m", "--tune", 2, "--tracker", "tensorboard")
    tuning = json.loads((tmp_path / "m" / "plait.json").read_text())["facts"]["tuning"]
    assert [trial["number"] for trial in tuning["trials"]] == [0, 1]
    assert (tmp_path / "m" / "tuning.png").read_bytes()[1:4] == b"PNG"
    losses = (tmp_path / "m" / "training" / "training.csv").read_text().splitlines()
    assert losses[0] == "training,epoch,loss,validation,learning_rate"
    fusion = json.loads((tmp_path / "m" / "plait.json").read_text())["config"]["fusion"]
    trainings = {line.split(",")[0] for line in losses[1:]}
    assert trainings >= {f"fold 0/{fusion}", f"fold 1/{fusion}"}
    assert list((tmp_path / "m" / "training").rglob("events.out.tfevents*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]
    assert "Reading" not in plait(*arguments, "-o", tmp_path / "n", "--tracker", "x", ok=False)


def test_mistakes_are_one_line(things: Path, model: Path, tmp_path: Path) -> None:
    assert "Did you mean 'things.csv'" in plait("check", things.parent / "thing.csv", ok=False)
    assert "Did you mean 'kind'" in plait(
        "fit", things, "-t", "knd", "-o", tmp_path / "m", ok=False
    )
    assert not (tmp_path / "m").exists()
    early = plait("fit", things, "-t", "kind", "-o", model, ok=False)
    assert "exists already" in early
    bad = tmp_path / "bad.json"
    bad.write_text('{"train": {"epoks": 3}}')
    shown = plait("fit", things, "-t", "kind", "--config", bad, "-o", tmp_path / "m", ok=False)
    assert "Setting 'train.epoks' is not known. Did you mean 'epochs'?" in shown
    shown = plait(
        "fit", things, "-t", "kind", "--config", tmp_path / "no.json", ok=False, cwd=tmp_path
    )
    assert "Cannot read settings" in shown
    shown = plait("compare", things, "-t", "kind", "--balance", "wieghts", ok=False)
    assert "Way of balancing 'wieghts' is not known. Did you mean 'weights'?" in shown
    assert "has no plait.json" in plait("predict", tmp_path, things, ok=False, cwd=tmp_path)


def test_help_and_version() -> None:
    shown = plait("--help")
    for verb in ("check", "fit", "compare", "predict", "evaluate", "explain", "quickstart"):
        assert verb in shown
    assert plait("--version").strip() == "0.1.0"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom plait.cli import main\nsys.argv = ['plait', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'sklearn', 'cv2', 'lightgbm'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in run.stdout


def test_an_output_that_cannot_be_written_is_told_before_learning(
    things: Path, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    shown = plait("fit", things, "-t", "kind", "-o", tmp_path / "file" / "model", ok=False)
    assert "cannot be made or written in" in shown
    assert "Reading" not in shown
    shown = plait("predict", model, things, "-o", tmp_path / "file" / "p.csv", ok=False)
    assert shown.startswith("Error: ")
    assert "Traceback" not in shown
    assert (tmp_path / "file").read_text() == "mine"


def test_stopped_by_the_user_it_says_so_and_how_to_go_on(things: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    command = [sys.executable, "-m", "plait", "fit", things, "-t", "kind", "-o", folder]

    def listen() -> None:  # a shell's background jobs, and what they start, are deaf to SIGINT
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    run = subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, text=True, preexec_fn=listen
    )
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("Contest of"):
            break
    run.send_signal(signal.SIGINT)
    said = run.communicate()[1]
    assert run.returncode == 130
    assert "Stopped; what was there before is as it was, and the same command (fit" in said
    assert "with --resume) goes on where it was" in said
    assert "Traceback" not in said
    assert not folder.exists()
