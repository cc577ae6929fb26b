"""Each column's modality is found, with evidence, on made and on real tables."""

from __future__ import annotations

import datetime
import io
import os
import re
import tracemalloc
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made_media import moving, tone, video_file
from PIL import Image

from plait.data.detect import detect, require_target, split_target
from plait.data.read import read
from plait.data.rules import detect_column, is_missing
from plait.data.table import Table
from plait.errors import ColumnError
from plait.types import Column, Modality

RNG = np.random.default_rng(0)
GENRES = ["drama", "comedy", "crime", "war", "music", "sport"]


def some(*words: str, rows: int = 40) -> list[str]:
    return [words[i] for i in RNG.integers(0, len(words), rows)]


def lists(mark: str, rows: int = 60) -> list[str]:
    picks = [RNG.choice(GENRES, RNG.integers(1, 4), replace=False) for _ in range(rows)]
    return [mark.join(pick) for pick in picks]


def sentences(rows: int = 40) -> list[str]:
    return [f"a {a} thing that is {b}, number {i}" for i, (a, b) in enumerate(
        zip(some("red", "blue"), some("big", "small"), strict=True)
    )]  # fmt: skip


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    return file.getvalue()


def column(values: Any, name: str = "x", target: bool = False, folder: Any = ".") -> Column:
    return detect_column(Table.of({name: list(values)}, folder), name, target)


DAYS = [
    datetime.date(2020, 1, 1) + datetime.timedelta(days=int(d)) for d in RNG.integers(0, 900, 40)
]

USED: dict[str, tuple[list[Any], Modality, str]] = {
    "image paths": ([f"p/{i}.jpg" for i in range(40)], Modality.IMAGE, "100% are image by suffix"),
    "image bytes": ([png()] * 5, Modality.IMAGE, "100% are image by first bytes"),
    "image dicts": ([{"bytes": png(), "path": None}] * 5, Modality.IMAGE, "bytes or path"),
    "image paths in dicts": ([{"bytes": None, "path": "a.png"}] * 5, Modality.IMAGE, "path"),
    "image objects": ([Image.new("RGB", (2, 2))] * 5, Modality.IMAGE, "PIL images"),
    "image arrays": ([np.zeros((4, 4, 3))] * 5, Modality.IMAGE, r"arrays of shape \(4, 4, 3\)"),
    "image lists": ([["a.png", "b.png"], [], ["c.png"]], Modality.IMAGE, "suffix, in lists"),
    "image objects in lists": ([[Image.new("L", (2, 2))]] * 3, Modality.IMAGE, "lists: PIL images"),
    "text": (sentences(), Modality.TEXT, "40 distinct of 40, 8.0 words each"),
    "Chinese": ([f"这是第{i}件红色的衬衫" for i in range(40)], Modality.TEXT, "40 distinct"),
    "reals": (RNG.normal(size=40).tolist(), Modality.NUMBER, "numbers, 40 distinct"),
    "wholes": (RNG.integers(0, 9, 40).tolist(), Modality.NUMBER, "numbers, 9 distinct, 0 to 8"),
    "numpy": (list(RNG.integers(0, 9, 40)), Modality.NUMBER, "numbers, 9 distinct"),
    "decimals": ([Decimal(i % 7) for i in range(40)], Modality.NUMBER, "7 distinct, 0 to 6"),
    "ints and floats": ([1, 2.5, 4, 1.0] * 5, Modality.NUMBER, "3 distinct, 1 to 4$"),
    "digits": ([str(i % 9) for i in range(40)], Modality.NUMBER, "numbers, 9 distinct"),
    "thousands": ([f"{i * i * 1234:,}" for i in range(3, 40)], Modality.NUMBER, "written as text"),
    "percent": ([f"{i % 11}.5%" for i in range(40)], Modality.NUMBER, "written as text"),
    "money": ([f"${i % 11}.99" for i in range(40)], Modality.NUMBER, "written as text"),
    "minutes": ([f"{80 + i % 11} min" for i in range(40)], Modality.NUMBER, "written as text"),
    "category": (some("red", "green", "blue"), Modality.CATEGORY, "3 distinct of 40, 1.0 words"),
    "codes": ([f"0{2000 + i % 9}" for i in range(40)], Modality.CATEGORY, "9 distinct of 40"),
    "sizes": (some("A1", "B2", "C3"), Modality.CATEGORY, "3 distinct of 40"),
    "units": (some("5 min", "2 h", "5 kg"), Modality.CATEGORY, "3 distinct of 40"),
    "versions": (some("1.2.3", "1.2.4"), Modality.CATEGORY, "2 distinct of 40"),
    "fixed commas": (some("Yes, surely", "No, never"), Modality.CATEGORY, "2 distinct of 40"),
    "bools": (RNG.integers(0, 2, 40).astype(bool).tolist(), Modality.CATEGORY, "true and false"),
    "words for bools": (some("yes", "no"), Modality.CATEGORY, "2 distinct of 40"),
    "bars": (lists("|"), Modality.CATEGORIES, r"6 labels separated by '\|'"),
    "semicolons": (lists("; "), Modality.CATEGORIES, "6 labels separated by ';'"),
    "commas": (lists(", "), Modality.CATEGORIES, "6 labels separated by ','"),
    "lists": ([["a", "b"], ["b"], []] * 5, Modality.CATEGORIES, "lists of 2 labels"),
    "sets": ([{"a"}, {"b", "a"}] * 5, Modality.CATEGORIES, "lists of 2 labels"),
    "dates": (DAYS, Modality.DATE, "dates"),
    "timestamps": ([pd.Timestamp(day) for day in DAYS], Modality.DATE, "dates"),
    "datetime64": ([np.datetime64(day) for day in DAYS], Modality.DATE, "dates"),
    "ISO dates": ([str(day) for day in DAYS], Modality.DATE, "100% are dates"),
    "written dates": ([f"{day:%B} {day.day}, {day.year}" for day in DAYS], Modality.DATE, "dates"),
    "mixed types": (["red", "blue", "red", "red", 3] * 4, Modality.CATEGORY, "16 str, 4 int"),
    "mixed numbers": ([1, 2, 5, "x", [1], b"z"] * 4, Modality.NUMBER, "mixed types: 12 int"),
    "mixed bytes": ([png(), png(), "x", 3], Modality.IMAGE, "mixed types: 2 bytes"),
    "mixed dicts": ([{"path": "a.png"}] * 3 + [3], Modality.IMAGE, "mixed types: 3 dict"),
    "mixed lists": ([["a"], ["b"], ["a"], 3], Modality.CATEGORIES, "mixed types: 3 list"),
    "audio": (["a.wav", "b.ogg", "c.flac", "d.mp3"], Modality.AUDIO, "100% are audio by suffix"),
    "audio bytes": ([b"RIFF\0\0\0\0WAVE"] * 3, Modality.AUDIO, "100% are audio by first bytes"),
    "mp3 bytes": ([b"\xff\xf3abc"] * 3, Modality.AUDIO, "100% are audio by first bytes"),
    "audio arrays": (
        [{"array": np.ones(9), "sampling_rate": 8000}] * 3, Modality.AUDIO, "dictionaries with 'arr"
    ),
    "audio dicts": ([{"bytes": None, "path": "a.wav"}] * 3, Modality.AUDIO, "bytes or path"),
    "video": (["a.mp4", "b.mov"], Modality.VIDEO, "100% are video by suffix, 0% of the files"),
    "video bytes": ([b"\0\0\0\x18ftypisom"] * 3, Modality.VIDEO, "by first bytes"),
    "series": ([[1.0, 2.0], [1.0]], Modality.SERIES, "1 to 2 numbers a cell"),
    "series arrays": ([np.ones(3), np.ones(4)], Modality.SERIES, "3 to 4 numbers a cell"),
    "series steps": ([[[1.0, 2.0], [3.0, 4.0]]] * 3, Modality.SERIES, "lists of 2 numbers a step"),
    "series times": (
        [{"values": [1, 2], "times": [0.0, 0.5]}] * 3, Modality.SERIES, "dictionaries with 'values"
    ),
    "series written": (["[1, 2]", "[3]", "[1, null, 4]"], Modality.SERIES, "1 to 3 numbers a cell"),
    "series pandas": ([pd.Series([1.0, 2.0])] * 3, Modality.SERIES, "pandas Series"),
    "vector": ([[1.0, 2.0], [2.0, 1.0]], Modality.VECTOR, "2 numbers a cell .say x:series if"),
    "vector arrays": ([np.ones(3)] * 2, Modality.VECTOR, "3 numbers a cell"),
    "vector written": (["[1, 2]", "[3, 4.5]"], Modality.VECTOR, "2 numbers a cell"),
    "mixed arrays": ([np.zeros((2, 2))] * 3 + ["x"], Modality.IMAGE, "mixed types: 3 ndarray"),
}  # fmt: skip


@pytest.mark.parametrize("case", USED)
def test_columns_that_are_used(case: str) -> None:
    values, modality, evidence = USED[case]
    found = column(values)
    assert (found.modality, found.left_out) == (modality, ""), found
    assert 0.3 < found.confidence <= 1
    assert re.search(evidence, found.evidence), found.evidence


LEFT_OUT: dict[str, tuple[str, list[Any], Modality, str]] = {
    "unknown bytes": ("x", [b"abc", b"def"], Modality.TEXT, "bytes of no known file format"),
    "several sounds": ("x", [["a.wav"], ["b.ogg", "c.wav"]], Modality.AUDIO, "lists of audio are"),
    "several videos": ("x", [["a.mp4"], ["b.mov"]], Modality.VIDEO, "lists of video are not read"),
    "mask": ("mask", ["a.png", "b.png"], Modality.MASK, "mask columns are not read yet"),
    "mask arrays": ("label_map", [np.ones((2, 2))] * 2, Modality.MASK, "mask columns are not"),
    "mask objects": ("mask", [Image.new("L", (2, 2))] * 2, Modality.MASK, "mask columns are not"),
    "ids": ("user_id", RNG.permutation(99).tolist(), Modality.NUMBER, "identifier: named so"),
    "Id": ("Id", RNG.permutation(99).tolist(), Modality.NUMBER, "identifier: named so"),
    "userId": ("userId", RNG.permutation(99).tolist(), Modality.NUMBER, "identifier: named so"),
    "row numbers": ("n", list(range(5, 60)), Modality.NUMBER, "identifier: grows by the same"),
    "written": ("n", [str(i) for i in range(50)], Modality.NUMBER, "identifier: grows"),
    "many": ("n", list(range(7000)), Modality.NUMBER, "identifier: grows by the same"),
    "uuids": ("x", [str(uuid.UUID(int=i * 7**30)) for i in range(40)], Modality.TEXT, "identif"),
    "product codes": ("x", [f"AB{i:04}" for i in range(40)], Modality.TEXT, "identifier: every"),
    "leading zeros": ("x", [f"{i * 37:05}" for i in range(1, 40)], Modality.TEXT, "identifier"),
    "constant": ("x", [5] * 20, Modality.NUMBER, "constant"),
    "constant word": ("x", ["red"] * 20, Modality.CATEGORY, "constant"),
    "constant bool": ("x", [True] * 20, Modality.CATEGORY, "constant"),
    "missing": ("x", [None, float("nan"), "", " ", pd.NaT], Modality.TEXT, "every value is miss"),
    "infinite": ("x", [float("inf")] * 3, Modality.NUMBER, "no number in it is finite"),
    "empty lists": ("x", [[], []], Modality.TEXT, "every list is empty"),
    "lists of None": ("x", [[None], []], Modality.TEXT, "every list is empty"),
    "times": ("x", [datetime.time(3)] * 3, Modality.TEXT, "values of type time are not known"),
    "durations": ("x", [pd.Timedelta(3)] * 3, Modality.TEXT, "type Timedelta are not known"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_columns_that_are_left_out(case: str) -> None:
    name, values, modality, reason = LEFT_OUT[case]
    found = detect(Table.of({name: values}))[name]
    assert found.modality is modality, found
    assert reason in found.left_out, found
    assert found.evidence


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("COVID", [i * 7 % 31 for i in range(31)]),
        ("year", [1990 + i * 7 % 40 for i in range(60)]),
        ("mostly rows", [*range(30), 77, *range(31, 50)]),
        ("x", [f"{i}0" for i in RNG.permutation(40)]),
        ("x", ["0", "00", "10"] * 5),
    ],
)
def test_numbers_that_measure_are_kept(name: str, values: list[Any]) -> None:
    found = column(values, name)
    assert (found.modality, found.left_out) == (Modality.NUMBER, "")


@pytest.mark.parametrize(
    "name", ["zip", "ZIP", "zipcode", "home_zip", "post code", "zipCode", "plz"]
)
def test_postal_codes_name_places(name: str) -> None:
    values = [91901 + 13 * (i % 40) for i in range(200)]
    found = column(values, name)
    assert (found.modality, found.left_out) == (Modality.CATEGORY, "")
    assert "postal codes" in found.evidence
    assert column(values, name, target=True).modality is Modality.NUMBER
    for other in ("zip_ratio", "zipper", "postcode area"):
        assert column(values, other).modality is Modality.NUMBER


def test_mixed_types_lower_the_confidence() -> None:
    assert column([1, 2, 5, "x"]).confidence < column([1, 2, 5, 7]).confidence


def test_paths_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    assert "50% of the files are there" in column(["a.png", "b.png"], folder=tmp_path).evidence
    outside = column(["../a.png", "/a.png"], folder=tmp_path / "in")
    assert "0% of the files are there" in outside.evidence


def test_some_cells_of_another_kind_lower_the_share() -> None:
    found = column(["a.png"] * 9 + ["no picture"])
    assert (found.modality, found.confidence) == (Modality.IMAGE, 0.9)


def test_large_files_in_cells_are_not_kept_while_looking() -> None:
    cell = png() + bytes(1_000_000)
    photos = {"photo": pa.chunked_array([[cell]])}
    arrow = Table(photos, np.zeros(100, dtype=np.int64), Path.cwd())  # one stored, shown 100 times
    tracemalloc.start()
    assert detect_column(arrow, "photo").modality is Modality.IMAGE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan"), "", " \n", pd.NaT, pd.NA]
    + [np.datetime64("NaT")])  # fmt: skip
def test_missing(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "0", "nan", False, [], np.zeros(2), b"", float("inf")])
def test_there(value: Any) -> None:
    assert not is_missing(value)


def test_targets_with_few_whole_numbers_are_classes() -> None:
    few, many = [i % 5 for i in range(40)], [i * 7 % 41 for i in range(41)]
    found = column(few, target=True)
    assert found.modality is Modality.CATEGORY
    assert "say x:number to regress" in found.evidence
    assert found.confidence < 0.8
    assert column([str(v) for v in few], target=True).modality is Modality.CATEGORY
    assert column([float(v) for v in few], target=True).modality is Modality.CATEGORY
    assert column(few).modality is Modality.NUMBER
    assert column(many, target=True).modality is Modality.NUMBER
    assert column([v + 0.5 for v in few], target=True).modality is Modality.NUMBER


def test_a_target_is_never_left_out_as_an_identifier() -> None:
    found = detect(Table.of({"n": list(range(50))}), targets=["n"])["n"]
    assert (found.modality, found.left_out) == (Modality.NUMBER, "target")


def test_a_target_of_words_that_repeat_a_little_is_a_category() -> None:
    words = [f"kind {i % 60}" for i in range(100)]
    assert column(words, target=True).modality is Modality.CATEGORY
    assert column(words).modality is Modality.TEXT


def test_overrides_and_ignore() -> None:
    table = Table.of({"n": [1, 2, 3], "word": ["a", "b", "a"], "clip": ["x", "y", "z"]})
    overrides = {"n": Modality.CATEGORY, "clip": Modality.MASK}
    schema = detect(table, ["word"], overrides, ignore=["n"])
    assert schema["n"] == Column("n", Modality.CATEGORY, 1.0, "said by the user", "ignored")
    assert schema["word"].left_out == "target"
    assert schema["clip"].left_out == "mask columns are not read yet"
    assert schema.inputs == ()
    assert [c.name for c in detect(table, overrides=overrides).inputs] == ["n", "word"]


@pytest.mark.parametrize("words", [{"targets": ["nn"]}, {"ignore": ["nn"]}])
def test_names_that_are_not_there(words: dict[str, Any]) -> None:
    with pytest.raises(ColumnError, match=r"'nn' is not in the table\. Did you mean 'n'\?"):
        detect(Table.of({"n": [1], "other": [2]}), **words)
    with pytest.raises(ColumnError, match="'nn' is not in the table"):
        detect(Table.of({"n": [1]}), overrides={"nn": Modality.TEXT})


TARGETS = Table.of({"answer": ["a"], "a:b": ["x"], "score": [1]})


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("answer", ("answer", None)),
        ("answer:text", ("answer", Modality.TEXT)),
        ("a:b", ("a:b", None)),
        ("a:b:number", ("a:b", Modality.NUMBER)),
    ],
)
def test_targets_as_they_are_said(target: str, found: tuple[str, Modality | None]) -> None:
    assert split_target(target, TARGETS) == found


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("answr", r"Column 'answr' is not in the table\. Did you mean 'answer'\?"),
        ("scor:category", r"Column 'scor' is not in the table\. Did you mean 'score'\?"),
        ("score:numbr", r"Modality 'numbr' of target 'score' is not known\. Did you mean 'number'"),
        ("score:", r"Modality '' of target 'score' is not known\. There are: image, text"),
        ("zzz:qqq", "Column 'zzz:qqq' is not in the table"),
    ],
)
def test_targets_that_are_not_known(target: str, message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        split_target(target, TARGETS)


def test_what_can_be_a_target() -> None:
    schema = detect(Table.of({"story": sentences()}), ["story"])
    assert require_target(schema, "story").modality is Modality.TEXT
    message = (
        r"Column 'v' holds vector \(said by the user\), which cannot be a target yet\. Targets may "
        "be category, categories, number, text, image, mask: say it with v:category"
    )
    vectors = detect(Table.of({"v": [[1, 2], [3, 4]]}), ["v"], {"v": Modality.VECTOR})
    with pytest.raises(ColumnError, match=message):
        require_target(vectors, "v")
    said = detect(Table.of({"s": ["a", "b"]}), ["s"], {"s": Modality.CATEGORY})
    assert require_target(said, "s").modality is Modality.CATEGORY


def real(name: str) -> Table:
    given = os.environ.get("PLAIT_DATA")
    here = Path(__file__).parents[2].parent / "shared" / "data"
    path = (Path(given) if given else here) / name
    if not path.exists():
        pytest.skip(f"real data is not there: {path} (name its folder in PLAIT_DATA)")
    return read(path)


I, T, N, C, S, D = (  # noqa: E741
    Modality.IMAGE,
    Modality.TEXT,
    Modality.NUMBER,
    Modality.CATEGORY,
    Modality.CATEGORIES,
    Modality.DATE,
)
REAL: dict[str, dict[str, Modality]] = {
    "products/products.csv": {
        "photo": I, "title": T, "gender": C, "masterCategory": C, "articleType": C,
        "baseColour": C, "season": C, "year": N, "usage": C,
    },
    "movies/movies.csv": {
        "poster": I, "title": T, "plot": T, "ml_genres": S, "omdb_genre": S, "runtime": N,
        "imdb_rating": N, "imdb_votes": N, "year": N, "rated": C,
    },
    "xray/xray.csv": {
        "image": I, "clinical_notes": T, "sex": C, "age": N, "finding": C, "temperature": N,
        "view": C,
    },
    "houses/houses.csv": {
        "frontal": I, "kitchen": I, "bedroom": I, "bathroom": I, "bedrooms": N, "bathrooms": N,
        "area_sqft": N, "price_usd": N, "zipcode": C,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_tables(name: str) -> None:
    schema = detect(real(name))
    found = {c.name: (c.modality, c.left_out) for c in schema.columns if c.name in REAL[name]}
    assert found == {column: (modality, "") for column, modality in REAL[name].items()}


def test_real_identifiers_and_targets() -> None:
    products = detect(real("products/products.csv"), ["articleType"])
    assert products["id"].left_out.startswith("identifier")
    assert require_target(products, "articleType").modality is C
    movies = detect(real("movies/movies.csv"), ["ml_genres", "imdb_rating"])
    assert require_target(movies, "ml_genres").modality is S
    assert require_target(movies, "imdb_rating").modality is N
    assert require_target(movies, "plot").modality is T


def test_vectors_and_series_know_how_many_numbers_they_have() -> None:
    cells = {"v": [[1, 2, 3], [4, 5, 6], None], "s": [[[1, 2]], None, [[1, 2], [3, 4]]]}
    table = Table.of(cells)
    found = detect(table, overrides={"s": Modality.SERIES})
    assert (found["v"].modality, found["v"].size) == (Modality.VECTOR, 3)
    assert (found["s"].modality, found["s"].size) == (Modality.SERIES, 2)
    said = detect(table, overrides={"v": Modality.SERIES})["v"]
    assert (said.modality, said.size) == (Modality.SERIES, 1)


def test_the_sound_of_a_video_is_a_column_of_its_own() -> None:
    loud, quiet = video_file(moving(5, 1), sound=tone(300)), video_file(moving(5, 1))
    table = Table.of({"clip": [loud, quiet, None], "film": [quiet] * 3, "n": [1, 2, 2]})
    found = detect(table)
    assert [c.name for c in found.columns] == ["clip", "clip.sound", "film", "n"]
    sound = found["clip.sound"]
    assert (sound.modality, sound.of, sound.stored) == (Modality.AUDIO, "clip", "clip")
    assert sound.evidence == "1 of 2 videos that were opened have sound"
    assert detect(table, ignore=["clip.sound"])["clip.sound"].left_out == "ignored"
    assert "clip.sound" not in detect(table, ignore=["clip"])
    taken = detect(table.with_column("clip.sound", [1, 2, 4]))
    assert [c.modality for c in taken.columns if c.name == "clip.sound"] == [Modality.NUMBER]
