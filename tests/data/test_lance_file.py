"""Lance datasets: small columns at once, bytes one by one."""

from __future__ import annotations

import builtins
from pathlib import Path

import lance
import pyarrow as pa
import pytest

import plait
from plait.data.lance_file import LanceColumn
from plait.errors import MissingExtraError, TableError


def test_columns(tmp_path: Path) -> None:
    data = pa.table({"picture": [b"one", None, b"three"], "name": ["a", "b", None]})
    lance.write_dataset(data, str(tmp_path / "table.lance"))
    table = plait.read(tmp_path / "table.lance")
    assert table.values("picture") == [b"one", None, b"three"]
    assert table.values("name") == ["a", "b", None]
    assert isinstance(table.data["picture"], LanceColumn)
    assert table.take([2, 0]).values("picture") == [b"three", b"one"]


def test_no_dataset_and_no_library(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "empty.lance").mkdir()
    with pytest.raises(TableError, match=r"'empty\.lance' cannot be read as Lance"):
        plait.read(tmp_path / "empty.lance")
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "lance":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[lance\]'"):
        plait.read(tmp_path / "empty.lance")
