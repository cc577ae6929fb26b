"""Every kind of table gives the same columns and cells."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from plait.data import read as reading
from plait.data.read import read
from plait.errors import TableError

ROWS: dict[str, list[Any]] = {
    "title": ["red shirt", "蓝色的裤子", None],
    "price": ["10", "2.5", "7"],
}


def columns(table: Any) -> dict[str, list[Any]]:
    return {name: table.values(name) for name in table.columns}


def write(path: Path, suffix: str) -> Path:
    path = path / f"things{suffix}"
    if suffix in (".csv", ".tsv", ".txt"):
        pd.DataFrame(ROWS).to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    elif suffix in (".jsonl", ".ndjson"):
        lines = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
        path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    else:
        pq.write_table(pa.table(ROWS), path)
    return path


@pytest.mark.parametrize(
    "suffix", [".csv", ".CSV", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".pq"]
)
def test_files_of_every_kind_give_equal_tables(tmp_path: Path, suffix: str) -> None:
    written = write(tmp_path, suffix.lower())
    path = written.rename(tmp_path / f"renamed{suffix}")
    table = read(str(path))
    assert columns(table) == ROWS
    assert table.folder == tmp_path.resolve()
    assert table.problems == ()


def test_objects_of_every_kind_give_equal_tables() -> None:
    for source in (ROWS, pa.table(ROWS), pd.DataFrame(ROWS), pd.DataFrame(ROWS, dtype=object)):
        assert columns(read(source)) == ROWS
    assert columns(read({name: tuple(v) for name, v in ROWS.items()})) == ROWS
    assert columns(read({name: pa.array(v) for name, v in ROWS.items()})) == ROWS
    assert columns(read({name: pa.chunked_array([v]) for name, v in ROWS.items()})) == ROWS


def test_a_table_is_returned_as_it_is() -> None:
    table = read(ROWS)
    assert read(table) is table


def test_the_folder_of_relative_paths(tmp_path: Path) -> None:
    path = write(tmp_path, ".csv")
    (tmp_path / "other").mkdir()
    assert read(path, folder=tmp_path / "other").folder == (tmp_path / "other").resolve()
    assert read(ROWS, folder=tmp_path).folder == tmp_path.resolve()
    assert read(ROWS).folder == Path.cwd()
    assert read(path, allow_outside=True).allow_outside


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_large_file_is_memory_mapped_with_equal_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = write(tmp_path, suffix)
    monkeypatch.setattr(reading, "IN_MEMORY", 1)
    before = pa.total_allocated_bytes()
    table = read(path)
    assert columns(table) == ROWS
    assert pa.total_allocated_bytes() - before < 4096


def test_dictionaries_that_change_between_batches_can_be_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [f"level {i % 7 + i // 50}" for i in range(200)]
    frame = pd.DataFrame({"c": pd.Categorical(values)})
    frame.to_parquet(tmp_path / "c.parquet", row_group_size=50)
    monkeypatch.setattr(reading, "IN_MEMORY", 1)
    monkeypatch.setattr(reading, "BATCH_BYTES", 640)
    assert read(tmp_path / "c.parquet").values("c") == values


def test_memory_stays_bounded_for_a_large_parquet_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, size = np.random.default_rng(0), 100_000
    pictures = [rng.bytes(size) for _ in range(400)]  # 40 MB in one row group
    path = tmp_path / "pictures.parquet"
    pq.write_table(
        pa.table({"photo": pictures, "n": range(400)}),
        path,
        use_dictionary=False,
        write_batch_size=8,
    )
    monkeypatch.setattr(reading, "IN_MEMORY", 1024)
    monkeypatch.setattr(reading, "BATCH_BYTES", 1024 * 1024)
    peak, empty = 0, pa.total_allocated_bytes()
    batches = reading._parquet_batches

    def watched(path: Path) -> Any:
        nonlocal peak
        for batch in batches(path):
            peak = max(peak, pa.total_allocated_bytes() - empty)
            yield batch

    monkeypatch.setattr(reading, "_parquet_batches", watched)
    table = read(path)
    assert peak < 16e6
    assert pa.total_allocated_bytes() - empty < 1e6
    assert [table.cell("photo", row) for row in (0, 7, 399)] == [pictures[i] for i in (0, 7, 399)]


def test_pandas_types() -> None:
    when = pd.to_datetime(["2020-01-02", None, "2021-03-04"])
    frame = pd.DataFrame(
        {
            "string": pd.Series(["a", None, "c"], dtype="string"),
            "category": pd.Categorical(["x", None, "y"]),
            "date": when,
            "zoned": when.tz_localize("Europe/Berlin"),
            "number": [1.5, np.nan, 3.0],
            "whole": pd.Series([1, None, 3], dtype="Int64"),
            "object": pd.Series(["a", np.nan, pd.NaT], dtype=object),
            "mixed": pd.Categorical(["x", None, 3]),
            "period": pd.period_range("2020-01", periods=3, freq="M"),
            "interval": pd.interval_range(0, 3),
        }
    )
    frame.index = pd.Index([5, 5, 9])  # plays no part
    read_back = columns(read(frame))
    assert read_back["string"] == ["a", None, "c"]
    assert read_back["category"] == ["x", None, "y"]
    assert read_back["date"][:2] == [datetime.datetime(2020, 1, 2), None]
    assert read_back["zoned"][2] == when.tz_localize("Europe/Berlin")[2]
    assert read_back["number"] == [1.5, None, 3.0]
    assert read_back["whole"] == [1, None, 3]
    assert read_back["object"] == ["a", None, None]
    assert read_back["mixed"] == ["x", None, 3]
    assert len(read_back["period"]) == len(read_back["interval"]) == 3


def test_pandas_string_storage() -> None:
    for storage in ("python", "pyarrow"):
        series = pd.Series(["a", None], dtype=pd.StringDtype(storage))
        assert columns(read(pd.DataFrame({"s": series}))) == {"s": ["a", None]}


def test_pandas_columns_of_pictures_and_arrays() -> None:
    picture, array = Image.new("RGB", (4, 4)), np.zeros((4, 4))
    frame = pd.DataFrame({"p": [picture, None], "a": [array, np.nan], 3: [1, 2]})
    table = read(frame)
    assert table.values("p") == [picture, None]
    assert table.cell("a", 0) is array
    assert table.cell("a", 1) is None
    assert table.columns == ["p", "a", "3"]


def test_hugging_face_pictures_in_parquet(tmp_path: Path) -> None:
    cell = {"bytes": b"\x89PNG", "path": "a.png"}
    pq.write_table(pa.table({"image": [cell, None]}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").values("image") == [cell, None]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "There are no columns in the mapping"),
        ({"a": []}, r"There are no rows in the mapping; it has the columns \['a'\]"),
        (pd.DataFrame(), "There are no columns in the DataFrame"),
        (pd.DataFrame({"a": []}), "There are no rows in the DataFrame"),
        (pa.table({}), "There are no columns in the table"),
        ({"a": [1], "b": [1, 2]}, "same length"),
        ({"a": "text"}, "Column 'a' must be a list of values, found str"),
        ({"a": 3}, "Column 'a' must be a list of values, found int"),
        ({"a": {"b": 1}}, "Column 'a' must be a list of values, found dict"),
        ({1: [1], "1": [2]}, "Column '1' appears twice"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Column 'a' appears twice"),
        (pa.table([[1], [2]], names=["a", "A"]), "differ only in upper and lower case"),
        (3, "Cannot read a table from int; give a path"),
        ([1, 2], "Cannot read a table from list"),
    ],
)
def test_what_is_no_table_is_refused(source: Any, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read(source)


def test_a_missing_file_is_met_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path, ".csv")
    with pytest.raises(
        TableError, match=r"no file or folder '.*thing\.csv'\. Did you mean 'things"
    ):
        read(tmp_path / "thing.csv")
    with pytest.raises(TableError, match=r"no file or folder '.*x\.csv'\.$"):
        read(tmp_path / "nowhere" / "x.csv")


def test_an_unknown_suffix(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(TableError, match=r"Cannot read 't\.xlsx': plait reads \.csv, \.tsv"):
        read(tmp_path / "t.xlsx")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n" * 20, b"PAR1" + b"x" * 50 + b"PAR1"])
def test_a_parquet_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(TableError, match=r"'t\.parquet' cannot be read as Parquet: "):
        read(tmp_path / "t.parquet")


def test_a_parquet_that_is_damaged_inside(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [f"text {i}" for i in range(5000)]}), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    path.write_bytes(content)
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read(path)


def test_a_file_without_rows_is_named_with_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n")
    with pytest.raises(
        TableError, match=r"no rows in 'a\.csv'; it has the columns \['x', 'y'\]\.$"
    ):
        read(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("x,y\n1\n2\n")
    with pytest.raises(TableError, match=r"2 were left out; row 0 has 1 cells where"):
        read(tmp_path / "b.csv")
