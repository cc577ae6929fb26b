"""check: what a table holds, and what will go wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_media import moving, sound_file, tone, video_file
from PIL import Image

import plait
from plait.config import to_json
from plait.data.mask import write_mask
from plait.data.table import Table
from plait.errors import ColumnError
from plait.progress import Progress
from plait.types import Modality

QUIET = Progress(show=False)


def column(report, name: str):
    return next(item for item in report.columns if item.column.name == name)


def test_a_clean_table_has_no_findings(things: Path) -> None:
    report = plait.check(things, "kind", ignore=["price"], progress=QUIET)
    assert report.findings == ()
    assert report.rows == 160
    assert sum(report.balance["kind"].values()) == 160
    assert column(report, "photo").column.modality is Modality.IMAGE
    assert column(report, "photo").statistics == "40x40 to 40x40 pixels, median 40x40"
    assert "Latin 100%" in column(report, "text").statistics


def test_what_goes_wrong_is_found(things: Path, tmp_path: Path) -> None:
    table = plait.read(things)
    kinds = table.values("kind")
    rng = np.random.default_rng(0)
    (table.folder / "broken.png").write_bytes(b"\x89PNG broken")
    photos = [
        "broken.png",
        "nowhere.png",
        *table.values("photo")[2:158],
        *table.values("photo")[:2],
    ]
    made = {
        "leak": [kind.upper() for kind in kinds],
        "noise": [f"level {n}" for n in rng.integers(0, 5, len(kinds))],
        "title": [f"A very nice {kind} for sale, number {r}" for r, kind in enumerate(kinds)],
        "id": list(range(100, 260)),
        "constant": ["x"] * 160,
        "photo": photos,
        "kind": ["odd one", *kinds[1:]],
    }
    for name, values in made.items():
        table = table.with_column(name, values)
    report = plait.check(table, "kind", progress=QUIET)
    text = "\n".join(report.findings)
    assert "Column 'leak' alone tells the target almost always" in text
    assert "Column 'title' holds the target's own word in 99% of rows" in text
    assert "'noise'" not in text
    assert column(report, "noise").tells_target < 0.2
    assert "Column 'id' is left out: identifier" in text
    assert "Column 'constant' is left out: constant" in text
    assert "1 of 5 classes of 'kind' has under 5 rows" in text
    assert "Classes of 'kind' are unbalanced" in text
    assert column(report, "photo").unreadable == 2
    assert [(row, name) for row, name, _ in report.unreadable] == [(0, "photo"), (1, "photo")]
    (table.folder / "broken.png").unlink()


def test_sounds_videos_series_and_vectors() -> None:
    clip = video_file(moving(20, 1), sound=tone(300, 2.0))
    cut = video_file(moving(40, 1), kind="matroska")
    data = {
        "noise": [sound_file(tone(440)), sound_file(tone(300, 1.0), 8000), None, b"RIFF"],
        "clip": [clip, cut[: len(cut) // 2], clip, None],
        "pulse": [[1.0, 2, 3], [4.0], None, [5.0, 6]],
        "code": [[1.0, 2, 3], [2.0, 1, 3], [1.0, 2], None],
    }
    report = plait.check(data, modalities={"code": Modality.VECTOR}, progress=QUIET)
    said = {name: column(report, name).statistics for name in (*data, "clip.sound")}
    assert said["noise"] == "0.53 / 0.75 / 0.97 seconds (5, 50, 95 %); 8,000 samples a second"
    assert said["clip"].startswith("2.00 / 2.00 / 2.00 seconds (5, 50, 95 %); 48 pixels high")
    assert "8,000 samples a second" in said["clip.sound"]
    assert said["pulse"] == "1 / 2 / 2 steps (5, 50, 95 %), 1 number a step"
    assert said["code"] == "3 numbers each"
    unread = [(row, name) for row, name, _ in report.unreadable]
    assert unread == [(1, "clip"), (2, "code"), (3, "noise")]
    assert column(report, "clip").repeated == 1
    assert "Column 'clip' repeats 1 video." in report.findings
    assert (column(report, "noise").missing, column(report, "noise").unreadable) == (1, 1)


def test_numbers_that_tell_the_target(things: Path) -> None:
    table = plait.read(things)
    price = [float(p) for p in table.values("price")]
    table = table.with_column("price", price).with_column("cents", [100 * p for p in price])
    report = plait.check(table, "price", progress=QUIET)
    assert column(report, "cents").tells_target > 0.95
    assert column(report, "weight").tells_target < 0.5


def test_values_that_hardly_repeat_tell_little(things: Path) -> None:
    table = plait.read(things)
    notes = [f"note {row}" for row in range(len(table))]
    notes[:24] = [f"seen {kind}" for kind in table.values("kind")[:24]]
    report = plait.check(table.with_column("note", notes), "kind", progress=QUIET)
    found = column(report, "note").tells_target
    assert 0 < found < 0.3  # right in the few rows that repeat, no better than chance in the others


def test_duplicates_within_and_across(things: Path) -> None:
    table = plait.read(things).drop(["price"])
    twice = table.take([*range(160), 3, 3])
    report = plait.check(twice, "kind", progress=QUIET)
    assert report.duplicate_rows == 2
    assert "Equal to an earlier row: 2 rows" in "\n".join(report.findings)
    assert column(report, "photo").repeated == 2
    apart = plait.check(
        table.take(range(100)), "kind", test=table.take(range(95, 160)), progress=QUIET
    )
    assert apart.across == 5
    assert "5 test rows can be found among the training rows" in apart.findings[0]
    parts = ["train"] * 160 + ["test"] * 2
    marked = plait.check(twice.with_column("part", parts), "kind", progress=QUIET)
    assert marked.across == 2


def test_as_json(things: Path) -> None:
    report = plait.check(things, "kind", progress=QUIET)
    back = json.loads(json.dumps(to_json(report)))
    assert back["columns"][0]["column"]["modality"] == "image"


def test_without_a_target_and_with_a_wrong_one(things: Path) -> None:
    assert plait.check(things, progress=QUIET).balance == {}
    with pytest.raises(ColumnError, match="Did you mean 'kind'"):
        plait.check(things, "kid", progress=QUIET)


def test_masks_beside_their_pictures(tmp_path: Path) -> None:
    values = np.repeat(np.arange(4), 600).reshape(40, 60).astype(np.int32)
    for row in range(8):
        photo = np.random.default_rng(row).integers(0, 256, (40, 60, 3)).astype(np.uint8)
        Image.fromarray(photo).save(tmp_path / f"p{row}.png")
        write_mask(values if row != 3 else values[:30], tmp_path / f"m{row}.png")
    (tmp_path / "m5.png").write_bytes(b"no mask")
    large = np.repeat(np.repeat(values, 26, 0), 26, 1)
    Image.fromarray(large.astype(np.uint8) * 50).save(tmp_path / "p6.jpg")
    write_mask(large, tmp_path / "m6.png")
    pictures = [f"p{row}.png" if row != 6 else "p6.jpg" for row in range(8)]
    table = Table.of({"photo": pictures, "truth": [f"m{row}.png" for row in range(8)]}, tmp_path)
    for target in (None, "truth:mask"):
        report = plait.check(table, target, progress=QUIET)
        found = column(report, "truth")
        assert found.column.modality is Modality.MASK
        assert (found.unreadable, found.distinct, found.tells_target) == (1, 3, None)
        assert found.statistics == "60x30 to 1560x1040 pixels, median 60x40"
        assert (
            "Masks in 'truth' have another size than their picture: 1 row (3)." in report.findings
        )
        assert [row for row, *_ in report.unreadable] == [5]
