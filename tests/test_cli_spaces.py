"""What a space is used for on the command line: regions, classify, probe, pairs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from command_line import here as plait
from PIL import Image
from spaces.test_pointing import SEEING, scene

from plait.commands.regions import _spans
from plait.explain.regions import moments_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of sixty scenes, and the space that was learned from it."""
    folder, random = tmp_path_factory.mktemp("scenes"), np.random.default_rng(0)
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "caption", "first", "owner"])
        for row in range(60):
            picture, text, _ = scene(random)
            Image.fromarray(picture).save(folder / f"{row}.png")
            writer.writerow([f"{row}.png", text, text.split()[0], f"owner {row // 3}"])
    trained = {"width": 16, "layers": 0, "patch": 16, "dropout": 0.0, "vocabulary": 300}
    settings = {
        "task": {"width": 16}, "encoders": {"trained": trained},
        "deep": {"epochs": 1, "least_steps": 10, "batch_size": 16},
    }  # fmt: skip
    (folder / "settings.json").write_text(json.dumps(settings))
    plait(
        "align", folder / "table.csv", "--left", "photo", "--right", "caption", "--text", "caption",
        "--loss", "filip", "--encoders", ",".join(SEEING), "--config", folder / "settings.json",
        "-o", folder / "space",
    )  # fmt: skip
    return folder


def test_regions(folder: Path, tmp_path: Path) -> None:
    space, picture = folder / "space", folder / "3.png"
    said = ["regions", space, "--text", "red and blue", "-o", tmp_path / "out.png"]
    shown = plait(*said, "--image", picture)
    lines = [line for line in shown.splitlines() if "from the top" in line]
    assert [line.split(":")[0] for line in lines] == ["red", "and", "blue"]
    assert "(cosine " in lines[0]
    assert f"Drawn to {tmp_path / 'out.png'}" in shown
    with Image.open(tmp_path / "out.png") as drawn:
        assert drawn.width > 600
    assert "exists already" in plait(*said, "--image", picture, ok=False)
    said = [*said, "--overwrite"]
    assert "Say one of --image, --sound and --video, found 0" in plait(*said, ok=False)
    both = plait(*said, "--image", picture, "--sound", picture, ok=False)
    assert "Say one of --image, --sound and --video, found 2" in both
    other = plait(*said, "--sound", picture, ok=False)
    assert "The space reads no column as audio" in other
    assert "There is no file" in plait(*said, "--image", "no.png", ok=False).replace(
        "there", "There"
    )
    assert "suffix must be" in plait(*said[:-2], "out.gif", "--image", picture, ok=False)


def test_moments_in_words() -> None:
    times = np.array([0.5, 1.5, 2.5])
    cosines = np.array([[0.0, 0.9, 0.9], [0.0, 0.1, 0.2]])
    found = moments_of("dog barks", ["dog", "barks"], cosines, times, 0.5)
    assert _spans(found) == ["dog: 1.00 to 3.00 s", "barks: nowhere above the threshold"]


def test_a_folder_of_pictures_is_indexed_and_found(folder: Path, tmp_path: Path) -> None:
    """Whatever the space calls its pictures; without words of theirs, their names are shown."""
    pictures = tmp_path / "holiday"
    pictures.mkdir()
    for number in range(4):
        (pictures / f"{number}.png").write_bytes((folder / f"{number}.png").read_bytes())
    index = tmp_path / "holiday.lance"
    written = plait("index", folder / "space", pictures, "-o", index, "--key", "image")
    assert "Indexed 4 rows." in written
    found = plait("search", index, "--image", pictures / "2.png", "-k", 1)
    assert "1.000  2.png" in found
    assert "Added 4 rows." in plait("index", folder / "space", pictures, "-o", index, "--add")


def test_classify(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "classes.csv"
    said = ["classify", folder / "space", folder / "table.csv", "-o", output]
    shown = plait(*said, "--labels", "red,blue", "--template", "{}", "--template", "{} and pink",
                  "--truth", "first")  # fmt: skip
    assert f"Written to {output}: 60 rows of 2 labels." in shown
    assert "whose 'first' is one of the labels; chance is 0.500" in shown
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert list(rows[0]) == ["photo", "caption", "first", "owner", "label", "probability", "p(red)",
                             "p(blue)"]  # fmt: skip
    for row in rows:
        assert float(row["p(red)"]) + float(row["p(blue)"]) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == max(float(row["p(red)"]), float(row["p(blue)"]))
    assert "exists already" in plait(*said, "--labels", "red,blue", ok=False)
    alone = plait(*said, "--labels", "red", "--overwrite", ok=False)
    assert "At least two different labels are needed" in alone
    (folder / "few.csv").write_text("photo\n0.png\nnowhere.png\n")
    shown = plait("classify", folder / "space", folder / "few.csv", "--labels", "red,blue", "-o",
                  tmp_path / "few.csv")  # fmt: skip
    assert "1 row of 2 labels, 1 row without what the space reads" in shown
    skipped = (tmp_path / "few.skipped.csv").read_text()
    assert "1,photo,there is no file 'nowhere.png'" in skipped


def test_probe(folder: Path, tmp_path: Path) -> None:
    said = ["probe", folder / "space", folder / "table.csv", "-t", "first", "--group", "photo",
            "--shots", "1,4", "--draws", "3", "--split", "group:owner"]  # fmt: skip
    shown = plait(*said, "-o", tmp_path / "probe.json")
    assert "examples a class" in shown
    assert "Logistic regression on frozen vectors" in shown
    found = json.loads((tmp_path / "probe.json").read_text())
    assert [one["count"] for one in found["shots"]] == [1, 4]
    assert found["judged"] % 3 == 0
    assert json.loads(plait(*said, "--json")) == found
    assert "exists already" in plait(*said, "-o", tmp_path / "probe.json", ok=False)
    assert "--shots takes whole numbers" in plait(*said, "--shots", "few", ok=False)


def test_pairs(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "pairs.parquet"
    said = ["pairs", folder / "table.csv", "--left", "photo", "--right", "caption", "-o", output]
    shown = plait(*said, "--space", folder / "space", "--hard", 1, "--random", 1, "--seed", 2)
    assert "60 pairs that belong together, " in shown
    assert f"plait fit {output} -t match --split group:pair_group" in shown
    table = pq.read_table(output).to_pydict()
    assert list(table) == ["left.photo", "right.caption", "similarity", "match", "pair_group"]
    assert all((output.parent / cell).is_file() for cell in table["left.photo"])
    assert table["match"].count("yes") == 60
    assert "exists already" in plait(*said, ok=False)
    given = [*said[:-1], tmp_path / "given.parquet", "--given"]
    assert "name it with --space" in plait(*given, ok=False)
    shown = plait(*given, "--space", folder / "space")
    assert "given.parquet: 60 pairs." in shown
    found = pq.read_table(tmp_path / "given.parquet").to_pydict()
    assert {"left.photo", "right.caption", "similarity"} <= set(found)
    assert all((tmp_path / cell).is_file() for cell in found["left.photo"])
    assert "match" not in found
    shown = plait(*said[:-1], tmp_path / "random.parquet")
    assert "0 of near strangers, 60 of random ones" in shown
    assert "suffix must be .parquet" in plait(*said[:-1], tmp_path / "pairs.csv", ok=False)


def test_a_space_is_evaluated_and_what_it_could_not_read_is_told(folder: Path) -> None:
    shown = plait("evaluate", folder / "space", folder / "table.csv")
    assert "is searched" in shown
    found = json.loads(plait("evaluate", folder / "space", folder / "table.csv", "--json"))
    assert {one["query"] for one in found} == {"photo", "caption"}
    rows = (folder / "table.csv").read_text().splitlines()
    rows[4] = rows[4].replace(".png", ".gone")
    (folder / "bad.csv").write_text("\n".join(rows))
    shown = plait(
        "align", folder / "bad.csv", "--left", "photo", "--right", "caption", "--text", "caption",
        "--image", "photo", "-o", folder / "bad",
    )  # fmt: skip
    assert "1 cell or whole rows could not be used (1 in photo)" in shown
    assert "3,photo," in (folder / "bad" / "skipped.csv").read_text()
    assert "Next: plait index" in shown
