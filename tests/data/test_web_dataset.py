"""Shards: rows from names, columns from extensions, bytes on demand; and what is wrong in them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from conftest import draw
from made_media import sound_file, tone

import plait
from plait.data.loader import decode
from plait.errors import TableError
from plait.progress import Progress
from plait.types import Modality


def shard(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def rows(first: int, count: int) -> dict[str, bytes]:
    import numpy as np

    files: dict[str, bytes] = {}
    for row in range(first, first + count):
        picture = io.BytesIO()
        draw("red" if row % 2 else "blue", np.random.default_rng(row)).save(picture, "PNG")
        files[f"a/{row:04}.png"] = picture.getvalue()
        files[f"a/{row:04}.txt"] = f"thing no {row} of the shard".encode()
        files[f"a/{row:04}.cls"] = b"1\n" if row % 2 else b"0"
        files[f"a/{row:04}.json"] = json.dumps({"size": row / 2, "by": {"x": 1}}).encode()
        if row % 3:
            files[f"a/{row:04}.wav"] = sound_file(tone(300))
            files[f"a/{row:04}.seg.png"] = b"mask"
    return files


def test_rows_of_two_shards(tmp_path: Path) -> None:
    shard(tmp_path / "x-000.tar", rows(0, 4))
    shard(tmp_path / "x-001.tar", rows(4, 3))
    table = plait.read(tmp_path / "x-{000..001}.tar")
    assert len(table) == 7
    assert table.columns == ["image", "text", "label", "size", "by", "audio", "seg"]
    assert table.values("label") == ["0", "1", "0", "1", "0", "1", "0"]
    assert table.values("size") == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert table.cell("text", 5) == "thing no 5 of the shard"
    assert table.cell("audio", 3) is None
    assert table.cell("seg", 1) == b"mask"
    assert decode(table.cell("image", 6), Modality.IMAGE, table)[0].shape == (40, 40, 3)
    assert decode(table.cell("audio", 1), Modality.AUDIO, table).seconds == pytest.approx(0.5)
    assert table.take([6, 0]).values("label") == ["0", "0"]


def test_a_model_of_a_shard(tmp_path: Path) -> None:
    path = shard(tmp_path / "things.tar", rows(0, 40))
    config = plait.FitConfig(folds=2)
    quiet = Progress(show=False)
    ignored = ["size", "seg", "by", "audio", "text"]
    model = plait.fit(path, "label:category", ignore=ignored, config=config, progress=quiet)
    assert model.evaluate(path, quiet)["accuracy"] > 0.9


@pytest.mark.parametrize(("files", "message"), [
    ({"1.jpg": b"x", "1.jpeg": b"y"}, "'1.jpeg' gives its row 'image' a second time"),
    ({"1.json": b"{", "1.txt": b"y"}, "'1.json' is no JSON"),
    ({"1.json": b"[1]"}, "'1.json' must be a JSON object, found list"),
    ({"1.cls": b"1", "1.json": b'{"label": 2}'}, "gives its row 'label' a second time"),
    ({"1.bin": b"1"}, "There are no columns in 'bad.tar'"),
])  # fmt: skip
def test_files_that_cannot_be(tmp_path: Path, files, message) -> None:
    with pytest.raises(TableError, match=message):
        plait.read(shard(tmp_path / "bad.tar", files))


def test_broken_shards(tmp_path: Path) -> None:
    whole = shard(tmp_path / "whole.tar", {"1.png": b"x" * 5000, "2.png": b"y" * 5000}).read_bytes()
    (tmp_path / "half.tar").write_bytes(whole[:8000])
    with pytest.raises(TableError, match="'half.tar' (cannot be read|is cut off)"):
        plait.read(tmp_path / "half.tar")
    (tmp_path / "none.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(TableError, match="'none.tar' cannot be read as a tar file"):
        plait.read(tmp_path / "none.tar")
    shard(tmp_path / "small.tar", {"1.png": b"x"}, "w:gz")
    with pytest.raises(TableError, match="a compressed one must be unpacked first"):
        plait.read(tmp_path / "small.tar")
    (tmp_path / "whole1.tar").write_bytes(whole)
    with pytest.raises(TableError, match=r"2 of 3 shards of 'whole\{0\.\.2\}\.tar' are not there"):
        plait.read(tmp_path / "whole{0..2}.tar")
