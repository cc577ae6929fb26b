"""Files that cells name: their kind, their place, their bytes."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from plait.data.media import (
    find_file,
    locate,
    modality_of_bytes,
    modality_of_name,
    open_file,
    read_bytes,
)
from plait.errors import CellError
from plait.types import Modality


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("a.jpg", Modality.IMAGE),
        ("a/b.c/d.JPEG", Modality.IMAGE),
        ("https://example.org/a.webp", Modality.IMAGE),
        ("a.flac", Modality.AUDIO),
        ("a.mp4", Modality.VIDEO),
        ("a.txt", None),
        ("jpg", None),
        (".jpg", None),
        ("", None),
        ("first line\nend.jpg", None),
        ("x" * 5000 + ".jpg", None),
    ],
)
def test_names(name: str, modality: Modality | None) -> None:
    assert modality_of_name(name) is modality


@pytest.mark.parametrize(
    ("start", "modality"),
    [
        (b"\xff\xd8\xff\xe0", Modality.IMAGE),
        (b"\x89PNG\r\n", Modality.IMAGE),
        (b"RIFF\0\0\0\0WEBP", Modality.IMAGE),
        (b"RIFF\0\0\0\0WAVE", Modality.AUDIO),
        (b"RIFF\0\0\0\0AVI ", Modality.VIDEO),
        (b"RIFF\0\0\0\0ABCD", None),
        (b"\0\0\0\x18ftypavif", Modality.IMAGE),
        (b"\0\0\0\x18ftypM4A ", Modality.AUDIO),
        (b"\0\0\0\x18ftypisom", Modality.VIDEO),
        (b"\xff\xfb\x90", Modality.AUDIO),
        (b"\xff\xf3\x90", Modality.AUDIO),
        (b"fLaC", Modality.AUDIO),
        (b"OggS", Modality.AUDIO),
        (b"\x1aE\xdf\xa3", Modality.VIDEO),
        (b"hello", None),
        (b"", None),
    ],
)
def test_first_bytes(start: bytes, modality: Modality | None) -> None:
    assert modality_of_bytes(start) is modality


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.jpg").write_bytes(b"inside")
    (tmp_path / "in" / "sub" / "b.jpg").write_bytes(b"below")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "in" / "good.jpg").symlink_to(tmp_path / "in" / "a.jpg")
    (tmp_path / "in-2").mkdir()
    (tmp_path / "in-2" / "c.jpg").write_bytes(b"neighbour")
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("a.jpg", b"inside"),
        (Path("a.jpg"), b"inside"),
        (" a.jpg ", b"inside"),
        ("./sub/../a.jpg", b"inside"),
        ("sub/b.jpg", b"below"),
        ("good.jpg", b"inside"),
        (b"bytes", b"bytes"),
        (bytearray(b"bytes"), b"bytes"),
        (memoryview(b"bytes"), b"bytes"),
        ({"bytes": b"bytes", "path": "a.jpg"}, b"bytes"),
        ({"bytes": None, "path": "a.jpg"}, b"inside"),
    ],
)
def test_bytes_of_a_cell(folder: Path, value: Any, content: bytes) -> None:
    assert read_bytes(value, folder, False) == content


def test_an_absolute_path_inside_is_allowed(folder: Path) -> None:
    assert read_bytes(str(folder / "a.jpg"), folder, False) == b"inside"


@pytest.mark.parametrize(
    "value", ["../secret.jpg", "sub/../../secret.jpg", "link.jpg", "../in-2/c.jpg"]
)
def test_paths_that_leave_are_refused_unless_allowed(folder: Path, value: str) -> None:
    with pytest.raises(CellError, match=r"leaves the table's folder \(allow it with allow_outside"):
        locate(value, folder, False)
    assert locate(value, folder, True).is_file()


def test_absolute_paths_and_dictionaries_that_leave(folder: Path) -> None:
    outside = str(folder.parent / "secret.jpg")
    for value in (outside, {"bytes": None, "path": outside}, {"path": "../secret.jpg"}):
        with pytest.raises(CellError, match="leaves the table's folder"):
            read_bytes(value, folder, False)
        assert read_bytes(value, folder, True) == b"secret"


def test_whether_a_file_outside_exists_is_not_told(folder: Path) -> None:
    with pytest.raises(CellError, match="leaves the table's folder"):
        locate("../nothing.jpg", folder, False)


def test_a_folder_that_is_a_link_or_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = folder.parent / "by-link"
    link.symlink_to(folder)
    assert read_bytes("a.jpg", link, False) == b"inside"
    monkeypatch.chdir(folder)
    assert read_bytes("a.jpg", Path(), False) == b"inside"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("c.jpg", "there is no file 'c.jpg'"),
        ("", "there is no file ''"),
        ("sub", "there is no file 'sub'"),
        ("http://example.org/a.jpg", "is a URL, and nothing is fetched unless"),
        ("a\0.jpg", "the path has a zero byte in it"),
        ("x" * 5000 + ".jpg", r"cannot be a path: .*too long"),
        ("\ud800.jpg", "cannot be a path"),
        (3, "expected a path or bytes, found int"),
        ({"bytes": None, "path": None}, "expected a path or bytes, found NoneType"),
    ],
)
def test_what_is_no_file(folder: Path, value: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        read_bytes(value, folder, False)


def test_links_in_a_circle(folder: Path) -> None:
    (folder / "x.jpg").symlink_to(folder / "y.jpg")
    (folder / "y.jpg").symlink_to(folder / "x.jpg")
    with pytest.raises(CellError, match=r"cannot be a path|there is no file"):
        locate("x.jpg", folder, False)


def test_a_file_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:  # the tests may run as root, for whom every file can be read
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CellError, match=r"cannot read 'a\.jpg': Permission denied"):
        read_bytes("a.jpg", folder, False)


def test_a_file_is_found_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_file("a.jpg", folder, False)
    assert isinstance(found, Path)
    with open_file(found) as file:
        assert file.read() == b"inside"
    with open_file(find_file({"bytes": b"bytes"}, folder, False)) as file:
        assert file.read() == b"bytes"

    def refuse(*_: Any) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CellError, match=r"cannot read 'a\.jpg': Permission denied"):
        open_file(found)
