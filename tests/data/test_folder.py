"""A folder of files is a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from plait.data.read import read
from plait.errors import TableError


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), "red").save(path)


def test_files_that_share_a_stem_are_one_row(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    (tmp_path / "1.txt").write_text("  ein Hund \n", encoding="utf-8")
    (tmp_path / "1.WAV").write_bytes(b"RIFF")
    (tmp_path / "2.md").write_text("猫", encoding="utf-8")
    (tmp_path / "notes.json").write_text("{}")
    table = read(tmp_path)
    assert list(table) == [
        {"image": "1.png", "text": "ein Hund", "audio": "1.WAV"},
        {"image": None, "text": "猫", "audio": None},
    ]
    assert table.folder == tmp_path.resolve()


def test_sounds_and_videos_are_columns_and_may_be_missing(tmp_path: Path) -> None:
    for name in ("bark/1.wav", "bark/1.mp4", "purr/2.FLAC", "purr/3.webm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert list(read(tmp_path)) == [
        {"audio": "bark/1.wav", "video": "bark/1.mp4", "label": "bark"},
        {"audio": "purr/2.FLAC", "video": None, "label": "purr"},
        {"audio": None, "video": "purr/3.webm", "label": "purr"},
    ]


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "loose.png", "wild/cat/1.png"):
        picture(tmp_path / name)
    table = read(tmp_path)
    assert dict(zip(table.values("image"), table.values("label"), strict=True)) == {
        "cat/1.png": "cat",
        "cat/2.png": "cat",
        "dog/1.png": "dog",
        "loose.png": None,
        "wild/cat/1.png": "wild/cat",
    }


def test_a_flat_folder_has_no_label(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    assert read(tmp_path).columns == ["image"]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / ".hidden.png")
    picture(tmp_path / ".thumbs" / "a.png")
    assert read(tmp_path).values("image") == ["a.png"]


def test_a_second_file_of_a_kind_is_listed(tmp_path: Path) -> None:
    for name in ("0.png", "1.bmp", "1.png"):
        picture(tmp_path / name)
    table = read(tmp_path)
    assert table.values("image") == ["0.png", "1.bmp"]
    assert table.problems == ((1, "'1.png' is a second image of its row"),)


def test_a_text_behind_a_link_that_leaves_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "a.txt").symlink_to(tmp_path / "secret.txt")
    table = read(tmp_path / "in")
    assert list(table) == [{"image": "a.png"}]
    assert "leaves the table's folder" in table.problems[0][1]
    assert read(tmp_path / "in", allow_outside=True).values("text") == ["secret"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_texts_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("红色的衬衫和蓝色的裤子".encode(encoding))
    assert read(tmp_path).values("text") == ["红色的衬衫和蓝色的裤子"]


def test_a_text_file_that_is_none_is_listed(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes(b"\0\1\2")
    table = read(tmp_path)
    assert table.columns == ["image"]
    assert table.problems == ((0, "'a.txt' is not a text file; say encoding=... if it is."),)


def test_a_folder_without_known_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(TableError, match="There are no pictures, texts, sounds or videos in "):
        read(tmp_path)
