"""Arrow and Feather files, and broken ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

import plait
from plait.errors import TableError

TABLE = pa.table({"name": ["a", None, "c"], "size": [1.0, 2.0, None]})


def write(path: Path, kind: str) -> Path:
    match kind:
        case "stream":
            with pa.ipc.new_stream(str(path), TABLE.schema) as writer:
                writer.write_table(TABLE)
        case "file":
            with pa.ipc.new_file(str(path), TABLE.schema) as writer:
                writer.write_table(TABLE)
        case _:
            feather.write_feather(TABLE, str(path), version=2)
    return path


@pytest.mark.parametrize(("kind", "suffix"), [
    ("stream", ".arrow"), ("file", ".arrow"), ("file", ".ipc"), ("2", ".feather")
])  # fmt: skip
def test_every_form(tmp_path: Path, kind, suffix) -> None:
    table = plait.read(write(tmp_path / f"table{suffix}", kind))
    assert table.values("name") == ["a", None, "c"]
    assert table.values("size") == [1.0, 2.0, None]
    assert table.folder == tmp_path.resolve()


def test_broken_ones(tmp_path: Path) -> None:
    whole = write(tmp_path / "table.arrow", "file").read_bytes()
    for content in (b"", b"nothing", whole[: len(whole) // 2]):
        (tmp_path / "broken.arrow").write_bytes(content)
        with pytest.raises(TableError, match=r"'broken\.arrow' cannot be read as Arrow or Feather"):
            plait.read(tmp_path / "broken.arrow")
