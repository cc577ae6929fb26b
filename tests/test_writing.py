"""A file that is written whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.writing import replacing


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "board.png"
    with replacing(path) as partial:
        assert partial.parent == path.parent
        assert partial.suffix == ".png"  # writers choose the format by it
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as partial:
            partial.write_text("ha")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
