"""From cells to samples; what cannot be read is missing and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_media import moving, sound_file, tone, video_file
from PIL import Image

from plait.data.loader import (
    LazySamples,
    Reader,
    Source,
    View,
    blocks,
    decode,
    sources_of,
)
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import CellError
from plait.types import Column, Modality, Schema


def columns(**modalities: Modality) -> tuple[Column, ...]:
    return tuple(Column(name, modality) for name, modality in modalities.items())


@pytest.fixture
def table(tmp_path: Path) -> Table:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    return Table.of(
        {
            "photo": ["a.png", "gone.png", None, ""],
            "title": ["red", None, " ", b"\xff"],
            "price": ["$5", "cheap", None, float("nan")],
            "genres": ["a|b", "", None, []],
            "day": ["1970-01-02", "someday", None, None],
        },
        tmp_path,
    )


SCHEMA = Schema(
    columns(
        price=Modality.NUMBER,
        photo=Modality.IMAGE,
        genres=Modality.CATEGORIES,
        title=Modality.TEXT,
        day=Modality.DATE,
    )
)


def test_tabular_columns_are_one_source_and_the_last() -> None:
    found = sources_of(SCHEMA)
    assert [(s.name, s.kind) for s in found] == [
        ("photo", "image"),
        ("title", "text"),
        ("table", "table"),
    ]
    assert [c.name for c in found[-1].columns] == ["price", "genres", "day"]


def test_left_out_columns_are_no_source() -> None:
    left = Column("id", Modality.NUMBER, left_out="identifier")
    assert sources_of(Schema((left,))) == ()


def test_the_name_of_the_tabular_source_is_free() -> None:
    schema = Schema(
        columns(**{"table": Modality.TEXT, "table columns": Modality.TEXT, "n": Modality.NUMBER})
    )
    assert [s.name for s in sources_of(schema)] == [
        "table",
        "table columns",
        "table columns columns",
    ]


def test_cells_that_cannot_be_read_are_missing_and_counted_once(table: Table) -> None:
    ledger = Ledger()
    reader = Reader(table, ledger)
    table_source = sources_of(SCHEMA)[-1]
    for _ in range(2):
        photos = [reader.cell(SCHEMA["photo"], row) for row in range(4)]
        assert [photo is None for photo in photos] == [False, True, True, True]
        assert [reader.cell(SCHEMA["title"], row) for row in range(4)] == ["red", None, None, None]
        assert reader.value(table_source, 0) == (5.0, ("a", "b"), 86400.0)
        assert [reader.value(table_source, row) for row in (1, 2, 3)] == [None] * 3
    assert ledger.entries == {
        (1, "photo"): "there is no file 'gone.png'",
        (3, "title"): "bytes that are not UTF-8 text",
        (1, "price"): "not a number: 'cheap'",
        (1, "day"): "not a date: 'someday'",
    }


def test_the_ledger_counts_rows_of_the_whole_table(table: Table) -> None:
    ledger = Ledger()
    Reader(table.take([2, 0, 1]), ledger).cell(SCHEMA["price"], 2)
    assert list(ledger.entries) == [(1, "price")]


def test_a_column_that_the_table_lacks_is_missing(table: Table) -> None:
    reader = Reader(table.drop(["photo", "price"]), Ledger())
    photo, _, tabular = sources_of(SCHEMA)
    assert reader.value(photo, 0) is None
    assert reader.value(tabular, 0) == (None, ("a", "b"), 86400.0)


@pytest.mark.parametrize(
    ("value", "modality", "expected"),
    [
        ("12%", Modality.NUMBER, 0.12),
        (3.0, Modality.CATEGORY, "3"),
        ("b;a", Modality.CATEGORIES, ("a", "b")),
        ("x", Modality.TEXT, "x"),
        ("1970-01-02", Modality.DATE, 86400.0),
    ],
)
def test_decode(table: Table, value: Any, modality: Modality, expected: Any) -> None:
    assert decode(value, modality, table) == expected


def test_large_jpegs_are_decoded_smaller(table: Table) -> None:
    Image.new("RGB", (2400, 2400), "red").save(table.folder / "large.jpg")
    (picture,) = decode("large.jpg", Modality.IMAGE, table)
    assert 512 <= picture.shape[0] < 2400


def test_a_modality_that_is_not_read_yet(table: Table) -> None:
    with pytest.raises(CellError, match="reference cells are not read yet"):
        decode("x", Modality.REFERENCE, table)


def test_sounds_videos_series_and_vectors(table: Table) -> None:
    (table.folder / "a.wav").write_bytes(sound_file(tone(440)))
    (table.folder / "a.mp4").write_bytes(video_file(moving(10, 1)))
    assert decode("a.wav", Modality.AUDIO, table).seconds == pytest.approx(0.5)
    assert decode("a.mp4", Modality.VIDEO, table).seconds == pytest.approx(1.0, abs=0.01)
    assert decode("[[1, 2], [3, 4]]", Modality.SERIES, table, 2).values.shape == (2, 2)
    assert decode([1, 2], Modality.VECTOR, table, 2).tolist() == [1, 2]
    for modality, message in ((Modality.SERIES, "1 numbers a step, exp"), (Modality.VECTOR, "3 n")):
        with pytest.raises(CellError, match=message):
            decode([1, 2, 3], modality, table, 2)


def test_the_sound_of_a_video_is_read_from_its_column(table: Table) -> None:
    loud, quiet = video_file(moving(5, 1), sound=tone(300)), video_file(moving(5, 1))
    cells = Table.of({"clip": [loud, quiet, b"no video", None]})
    sound = Column("clip.sound", Modality.AUDIO, of="clip")
    ledger = Ledger()
    found = [Reader(cells, ledger).cell(sound, row) for row in range(4)]
    assert [heard is None for heard in found] == [False, True, True, True]
    assert list(ledger.entries) == [(2, "clip")]
    assert Reader(cells.drop(["clip"]).with_column("n", [1] * 4), ledger).cell(sound, 0) is None


def test_a_video_that_is_cut_off_is_missing_and_counted() -> None:
    whole = video_file(moving(40, 1), kind="matroska")  # its length stands at the start
    cut = whole[: len(whole) // 2]
    cells = Table.of({"clip": [whole, cut]})
    source = Source("clip", "video", columns(clip=Modality.VIDEO))
    ledger = Ledger()
    reader = Reader(cells, ledger)
    seen = [reader.sample(source, row, lambda video: video.clip(8, 24).times) for row in range(2)]
    assert len(seen[0]) == 8
    assert seen[1] is None
    assert list(ledger.entries) == [(1, "clip")]


def numbers(rows: int) -> tuple[Reader, Source]:
    cells = [None if row % 5 == 0 else row for row in range(rows)]
    source = Source("n", "number", columns(n=Modality.NUMBER))
    return Reader(Table.of({"n": cells}), Ledger()), source


def test_lazy_samples_and_views() -> None:
    reader, source = numbers(7)
    calls: list[float] = []
    samples = LazySamples(reader, source, lambda value: calls.append(value) or value * 2)
    assert calls == []
    assert len(samples) == 7
    assert list(samples) == [None, 2, 4, 6, 8, None, 12]
    view = View(samples, np.array([3, 0, 3]))
    assert len(view) == 3
    assert list(view) == [6, None, 6]


def test_blocks() -> None:
    assert list(blocks(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(blocks([])) == []
