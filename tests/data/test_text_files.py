"""CSV, TSV and JSONL as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.data import text_files
from plait.data.encoding import find_encoding
from plait.data.read import read
from plait.data.table import Table
from plait.data.text_files import missing_as_none
from plait.errors import TableError


def csv(folder: Path, text: str | bytes, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def rows(table: Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table]


@pytest.mark.parametrize(
    ("text", "written", "found"),
    [
        ("name,city\nJosé,Málaga\n", "utf-8", "utf-8"),
        ("name,city\nJosé,Málaga\n", "utf-8-sig", "utf-8-sig"),
        ("name,city\nJosé,Málaga\n", "utf-16", "utf-16"),
        ("name,city\nJosé,Málaga\n", "utf-32", "utf-32"),
        ("name,city\nJosé,Málaga\nRené,Besançon\n", "cp1252", "cp1252"),
        ("name,note\nMüller,“schöne Größe” – 5 €\n", "cp1252", "cp1252"),
        ("标题,颜色\n红色衬衫,红\n蓝色裤子,蓝\n", "gb18030", "gb18030"),
        ("标题,价格\n苹果手机,100\n", "gb18030", "gb18030"),
        ("名前,色\n赤いシャツ,赤\n", "shift_jis", "shift_jis"),
        ("名前,色\n赤いシャツ,赤\n", "euc_jp", "euc_jp"),
        ("имя,город\nИван,Москва\n", "cp1251", "cp1251"),
        ("名稱,顏色\n紅色襯衫,紅\n", "big5", "big5"),
        ("이름,색\n빨간 셔츠,빨강\n", "euc_kr", "euc_kr"),
        ("imię,miasto\nŁukasz,Łódź\n", "cp1250", "cp1250"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, text: str, written: str, found: str) -> None:
    path = csv(tmp_path, text, encoding=written)
    assert find_encoding(path) == found
    names, *cells = (tuple(line.split(",")) for line in text.split())
    if " " not in text:
        table = read(path)
        assert tuple(table.columns) == names
        assert rows(table) == cells


def test_the_whole_file_decides_not_its_start(tmp_path: Path) -> None:
    text = "name,n\n" + "plain,1\n" * 200_000 + "José,2\n"
    table = read(csv(tmp_path, text, encoding="cp1252"))
    assert table.cell("name", 200_000) == "José"


def test_a_letter_across_blocks_is_still_utf8(tmp_path: Path) -> None:
    path = csv(tmp_path, "a\n" + "x" * (1024 * 1024 - 3) + "é\n")
    assert find_encoding(path) == "utf-8"


def test_an_encoding_can_be_said(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b\n1,é\n", encoding="utf-16-le")
    with pytest.raises(TableError, match=r"'t\.csv' is not a text file; say encoding=\.\.\."):
        read(path)
    assert rows(read(path, encoding="utf-16-le")) == [("1", "é")]
    with pytest.raises(TableError, match="Encoding 'utf-99' is not known"):
        read(path, encoding="utf-99")


def test_a_mark_is_passed_over_although_utf8_was_said(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a,b\n1,2\n", encoding="utf-8-sig"), encoding="utf8").columns == [
        "a",
        "b",
    ]
    path = csv(tmp_path, '{"a": 1}\n', "t.jsonl", "utf-8-sig")
    assert rows(read(path, encoding="utf-8")) == [(1,)]


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0", b"a,b\n1,\x00\n"])
def test_a_file_that_is_not_text(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TableError, match="is not a text file"):
        read(csv(tmp_path, content))


def test_bytes_of_no_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is not a text file"):
        read(csv(tmp_path, b"a\n" + bytes(range(128, 256)) * 3 + b"\xff\x81\x8d\n"))


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n1,5;2\n",
        '"a";"b"\n"1,5";"2"\n',
        "a\tb\n1,5\t2\n",
        'a,b\n"1,5",2\n',
        "\n\na;b\n1,5;2\n",
        "a;b\r\n1,5;2\r\n",
    ],
)
def test_separators_and_line_ends(tmp_path: Path, text: str) -> None:
    table = read(csv(tmp_path, text))
    assert table.columns == ["a", "b"]
    assert rows(table) == [("1,5", "2")]


def test_marks_in_quoted_names_do_not_count(tmp_path: Path) -> None:
    assert read(csv(tmp_path, '"name, first, last";age\nx;1\n')).columns == [
        "name, first, last",
        "age",
    ]


def test_tsv_is_tabs_whatever_the_names_hold(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a,b,c\td\n1\t2\n", "t.tsv")).columns == ["a,b,c", "d"]


def test_quoted_line_ends_and_quotes_stay(tmp_path: Path) -> None:
    table = read(csv(tmp_path, 'text,n\n"first\nsecond, ""third""",1\n'))
    assert rows(table) == [('first\nsecond, "third"', "1")]


def test_rows_that_do_not_fit_are_counted_and_the_others_kept(tmp_path: Path) -> None:
    table = read(csv(tmp_path, "a,b\n1,2\n1,2,3\n\n3\n4,5\n"))
    assert rows(table) == [("1", "2"), ("4", "5")]
    assert table.problems == (
        (1, "has 3 cells where the table has 2 columns"),
        (2, "has 1 cells where the table has 2 columns"),
    )


def test_a_quote_that_is_never_closed_is_counted(tmp_path: Path) -> None:
    table = read(csv(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n'))
    assert rows(table) == [("1", "2")]
    assert [row for row, _ in table.problems] == [1]


def test_a_cell_that_is_too_long_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "LONGEST_CELL", 100)
    table = read(csv(tmp_path, f"a,b\n1,2\n{'x' * 200},2\n3,4\n"))
    assert rows(table) == [("1", "2"), ("3", "4")]
    assert table.problems == ((1, "not a CSV row: field larger than field limit (100)"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"'t\.csv' is empty; its first row must name the columns"),
        ("\n\n", r"'t\.csv' is empty"),
        ("a,b\n", r"There are no rows in 't\.csv'; it has the columns \['a', 'b'\]"),
        ("a,a\n1,2\n", "Column 'a' appears twice"),
        ("price, price\n1,2\n", "Column 'price' appears twice"),
        ("price,Price\n1,2\n", "differ only in upper and lower case"),
        ("a,\n1,2\n", "A column has no name"),
    ],
)
def test_tables_without_names_or_rows(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read(csv(tmp_path, text))


@pytest.mark.parametrize("word", ["", " ", "NA", "n/a", "NaN", "null", "None", "#N/A", "<NA>"])
def test_words_for_missing(word: str) -> None:
    assert missing_as_none(word) is None


@pytest.mark.parametrize("word", ["0", "-", "Nan Goldin", "false", "nil"])
def test_words_that_are_values(word: str) -> None:
    assert missing_as_none(word) == word


def test_many_rows_come_in_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "ROWS_A_BATCH", 3)
    table = read(csv(tmp_path, "n\n" + "".join(f"{i}\n" for i in range(10))))
    assert table.values("n") == [str(i) for i in range(10)]
    assert table.data["n"].num_chunks > 3


def test_jsonl(tmp_path: Path) -> None:
    text = '{"a": 1, "b": ["x", "y"]}\n\n{"a": null, "c": {"d": 2.5}}\n{"b": []}\n'
    assert list(read(csv(tmp_path, text, "t.jsonl"))) == [
        {"a": 1, "b": ["x", "y"], "c": None},
        {"a": None, "b": None, "c": {"d": 2.5}},
        {"a": None, "b": [], "c": None},
    ]


def test_jsonl_lines_that_are_no_objects_are_counted(tmp_path: Path) -> None:
    text = '{"a": 1}\n{"a": \n[1, 2]\n' + "[" * 100_000 + f'\n{{"a": {"1" * 5000}}}\n{{"a": 2}}\n'
    table = read(csv(tmp_path, text, "t.jsonl"))
    assert rows(table) == [(1,), (2,)]
    assert [row for row, _ in table.problems] == [1, 2, 3, 4]
    assert table.problems[0][1].startswith("not JSON: Expecting value")
    assert table.problems[1][1] == "not a JSON object: [1, 2]"


def test_jsonl_of_mixed_types_becomes_text(tmp_path: Path) -> None:
    text = '{"a": 1}\n{"a": "红"}\n{"a": ["蓝"]}\n{"a": null}\n{"a": true}\n'
    assert read(csv(tmp_path, text, "t.jsonl")).values("a") == ["1", "红", '["蓝"]', None, "true"]


def test_jsonl_of_numbers_and_letters_that_do_not_fit(tmp_path: Path) -> None:
    text = f'{{"a": {2**80}, "b": "\\ud800x"}}\n{{"a": 1, "b": "y"}}\n'
    assert rows(read(csv(tmp_path, text, "t.jsonl"))) == [(str(2**80), "?x"), ("1", "y")]


@pytest.mark.parametrize("text", ["", "\n", "[1]\n", "not json\n", "{}\n"])
def test_jsonl_without_objects(tmp_path: Path, text: str) -> None:
    with pytest.raises(TableError, match=r"'t\.jsonl' has no line that is a JSON object"):
        read(csv(tmp_path, text, "t.jsonl"))


def test_jsonl_is_read_in_blocks_of_one_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "ROWS_A_BATCH", 2)
    text = """
        {"n": 1, "mixed": 1, "same": null}
        {"n": 2, "mixed": 2}
        {"n": 0.5, "mixed": "x", "same": {"a": 1}}
        {"late": [1]}
        {"n": 3, "same": {"b": "y"}, "late": [0.5]}
    """
    path = csv(tmp_path, text, "t.jsonl")
    assert len(list(text_files.json_batches(path, None, []))) == 3
    assert list(read(path)) == [
        {"n": 1.0, "mixed": "1", "same": None, "late": None},
        {"n": 2.0, "mixed": "2", "same": None, "late": None},
        {"n": 0.5, "mixed": "x", "same": {"a": 1, "b": None}, "late": None},
        {"n": None, "mixed": None, "same": None, "late": [1.0]},
        {"n": 3.0, "mixed": None, "same": {"a": None, "b": "y"}, "late": [0.5]},
    ]


def test_rows_keep_their_numbers_when_others_are_left_out(tmp_path: Path) -> None:
    table = read(csv(tmp_path, "a,b\n1,1\n2\n3,3\n4,4,4\n5,5\n"))
    assert [number for number, _ in table.problems] == [1, 3]
    assert [table.row_number(row) for row in range(3)] == [0, 2, 4]
    assert table.take([2, 1]).drop(["b"]).row_number(0) == 4
