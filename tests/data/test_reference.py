"""Joins by reference: columns of another table, without a copy; what is not found is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import plait
from plait.data.detect import detect
from plait.data.loader import Reader, sources_of
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.reference import JoinedColumn, join, key_of, parse_join
from plait.data.table import Table
from plait.errors import CellError, ColumnError, TableError
from plait.fitting import fingerprint
from plait.types import Modality, Schema

RATINGS = {"user": ["2", "1", "9", "", "2"], "film": [7, 7, 8, 9, 8], "stars": [5, 3, 4, 1, 2]}
USERS = {"user": ["1", "2", "3"], "age": ["24", "53", "31"], "city": ["Bern", "Ulm", "Bonn"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write users, and films with posters in a folder of their own."""
    (tmp_path / "ratings.csv").write_text("user,film,stars\n2,7,5\n1,7,3\n9,8,4\n,9,1\n2,8,2\n")
    (tmp_path / "users.csv").write_text("user,age,city\n1,24,Bern\n2,53,Ulm\n3,31,Bonn\n4,1\n")
    films = tmp_path / "films"
    (films / "posters").mkdir(parents=True)
    lines = ["film,title,poster"]
    for number, colour in ((7, "red"), (8, "blue"), (9, "green")):
        Image.new("RGB", (16, 16), colour).save(films / "posters" / f"{number}.png")
        lines.append(f"{number},the {colour} film,posters/{number}.png")
    (films / "films.csv").write_text("\n".join(lines))
    return tmp_path


def joined(folder: Path) -> Table:
    return read(
        folder / "ratings.csv",
        join={"user": folder / "users.csv", "film": folder / "films" / "films.csv"},
    )


def test_columns_of_the_other_table_come_in(folder: Path) -> None:
    table = joined(folder)
    assert table.columns == [
        "user", "film", "stars", "user.age", "user.city", "film.title", "film.poster",
    ]  # fmt: skip
    assert table.values("user.age") == ["53", "24", None, None, "53"]
    assert table.values("film.title")[2] == "the blue film"
    assert table.take([4, 1]).values("user.city") == ["Ulm", "Bern"]
    assert table.drop(["user.age"]).take([0]).cell("user.city", 0) == "Ulm"


def test_nothing_is_copied(folder: Path) -> None:
    table = joined(folder)
    stored = table.data["film.poster"]
    assert isinstance(stored, JoinedColumn)
    assert len(stored) == 5
    assert stored.reference.table.data["poster"] is table.references["film"].table.data["poster"]


def test_files_of_a_joined_table_lie_in_its_folder(folder: Path) -> None:
    table = joined(folder)
    schema = detect(table)
    assert schema["film.poster"].modality is Modality.IMAGE
    assert "100% of the files are there" in schema["film.poster"].evidence
    reader = Reader(table, Ledger())
    picture = reader.cell(schema["film.poster"], 2)
    assert picture[0][0, 0].tolist() == [0, 0, 255]
    assert not len(reader.ledger)


def test_a_joined_file_may_not_leave_its_folder(folder: Path) -> None:
    films = folder / "films" / "films.csv"
    Image.new("RGB", (8, 8)).save(folder / "secret.png")
    films.write_text("film,poster\n7,../secret.png\n8,../secret.png\n")
    source = folder / "ratings.csv"
    for allowed in (False, True):
        table = read(source, join={"film": films}, allow_outside=allowed)
        ledger = Ledger()
        found = Reader(table, ledger).cell(detect(table)["film.poster"], 0)
        assert (found is not None) == allowed
        assert any("leaves the table's folder" in why for why in ledger.entries.values()) != allowed


def test_files_in_lists_and_dictionaries(folder: Path) -> None:
    other = read({"id": ["a"], "shots": [["posters/7.png"]], "one": [{"path": "posters/8.png"}]},
                 folder=folder / "films")  # fmt: skip
    table = read({"film": ["a", "a"]}, join={"film": other}, folder=folder)
    schema = detect(table)
    assert schema["film.shots"].modality is schema["film.one"].modality is Modality.IMAGE
    for name in ("film.shots", "film.one"):
        assert Reader(table, Ledger()).cell(schema[name], 1) is not None


def test_a_reference_stands_for_its_columns(folder: Path) -> None:
    schema = detect(joined(folder))
    assert schema["user"].modality is Modality.REFERENCE
    assert schema["user"].left_out == "its columns stand for it"
    assert "users.csv" in schema["user"].evidence
    assert "user" not in [column.name for column in schema.inputs]
    assert detect(joined(folder), ["film"])["film"].modality is Modality.CATEGORY  # as a target
    said = detect(joined(folder), (), {"user": Modality.CATEGORY})["user"]
    assert said.modality is Modality.CATEGORY


def test_a_joined_column_is_judged_by_its_own_table() -> None:
    """A title that a hundred ratings repeat is no category."""
    titles = [f"the {word} of {place}" for word in ("king", "fall", "song", "end")
              for place in ("Rome", "Ulm", "Bern", "Kiew", "Prag", "Wien")]  # fmt: skip
    films = {"id": list(range(24)), "title": titles}
    table = read({"film": [n % 24 for n in range(2400)]}, join={"film": films})
    assert detect(table)["film.title"].modality is Modality.TEXT
    flat = read({"film.title": table.values("film.title")})
    assert detect(flat)["film.title"].modality is Modality.CATEGORY


def test_the_key_by_name_by_place_or_said() -> None:
    first = {"id": [1, 2, 9], "user": [9, 1, 2], "age": [10, 20, 30]}
    by_name = read(RATINGS, join={"user": first})
    assert by_name.values("user.age") == [30, 20, 10, None, 30]
    said = read(RATINGS, join={"user": (first, "id")})
    assert said.values("user.age") == [20, 10, 30, None, 20]
    no_name = {"id": [1, 2, 9], "age": [10, 20, 30]}
    assert read(RATINGS, join={"user": no_name}).values("user.age") == [20, 10, 30, None, 20]


def test_numbers_and_texts_are_the_same_key() -> None:
    for keys in (["7", "8", "9"], [7, 8, 9], [7.0, 8.0, 9.0], pa.array([7, 8, 9], pa.int16())):
        assert read(RATINGS, join={"film": {"id": keys, "x": ["a", "b", "c"]}}).values(
            "film.x"
        ) == ["a", "a", "b", "c", "b"]
    assert key_of("007") == "007"
    assert key_of(7.5) == "7.5"
    assert key_of(np.int64(7)) == key_of(" 7 ") == "7"
    assert key_of(float("nan")) is None


def test_references_to_references() -> None:
    cities = read({"city": ["Bern", "Ulm"], "people": [134_000, 126_000]})
    users = read(USERS, join={"city": cities})
    table = read(RATINGS, join={"user": users})
    assert table.values("user.city.people") == [126_000, 134_000, None, None, 126_000]
    assert detect(table)["user.city"].modality is Modality.REFERENCE


def test_what_is_not_found_is_told(folder: Path) -> None:
    table, ledger = joined(folder), Ledger()
    ledger.add_table(table)
    assert ledger.entries == {
        (2, "user"): "9 is not in users.csv",
        (3, "user (row)"): "in users.csv: has 2 cells where the table has 3 columns",
    }


def test_the_fingerprint_knows_the_joined_tables(folder: Path) -> None:
    before = fingerprint(joined(folder))
    assert before == fingerprint(joined(folder))
    users = folder / "users.csv"
    users.write_text(users.read_text().replace("Bern", "Genf"))
    assert fingerprint(joined(folder)) != before


def test_bad_joins(folder: Path) -> None:
    with pytest.raises(ColumnError, match="Column 'usr' is not in the table. Did you mean 'user'"):
        read(RATINGS, join={"usr": USERS})
    with pytest.raises(ColumnError, match="Key 'usr' is not a column of the table of 'user', which "
                                          "'user' refers to. Did you mean 'user'"):  # fmt: skip
        read(RATINGS, join={"user": (USERS, "usr")})
    twice = {"user": ["1", "2", "2", "1", "3"], "age": [1, 2, 3, 4, 5]}
    with pytest.raises(TableError, match=r"2 keys repeat in column 'user' of .* \('2', '1'\)"):
        read(RATINGS, join={"user": twice})
    none = (
        r"No value of column 'user' \('2', '1', '9'\) is in column 'age' of .* \('24', '53', '31'\)"
    )
    with pytest.raises(TableError, match=none):
        read(RATINGS, join={"user": (USERS, "age")})
    with pytest.raises(TableError, match="all are missing"):
        read({"user": [None, None], "x": [1, 2]}, join={"user": USERS})
    with pytest.raises(TableError, match="Column 'User.age' looks like one that the join by"):
        read({**RATINGS, "User.age": [1] * 5}, join={"user": USERS})
    with pytest.raises(TableError, match="There is no file or folder '.*user.csv'. Did you mean"):
        read(folder / "ratings.csv", join={"user": folder / "user.csv"})


def test_joins_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_join(["user=users.csv", "film = a/films.csv:id"]) == {
        "user": ("users.csv", None), "film": (" a/films.csv", "id"),
    }  # fmt: skip
    assert parse_join(["u=s3://bucket/u.parquet"]) == {"u": ("s3://bucket/u.parquet", None)}
    assert parse_join([r"u=C:\u.csv"]) == {"u": (r"C:\u.csv", None)}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").write_text("x\n1\n")
    assert parse_join(["u=a:b"]) == {"u": ("a:b", None)}
    for bad in ("user", "=users.csv", "user="):
        with pytest.raises(TableError, match=f"Join '{bad}' is not known; write column=table"):
            parse_join([bad])


def test_a_join_of_a_view() -> None:
    view = read(RATINGS).take([4, 2, 0])
    table = join(view, "user", read(USERS), None, "users")
    assert table.values("user.city") == ["Ulm", None, "Ulm"]
    assert len(table.references["user"].places) == 5


@pytest.fixture
def groups(folder: Path) -> Callable[[str], list[str]]:
    from plait.grouping import group_sources

    schema = detect(joined(folder), (), {"film.title": Modality.TEXT, "user.city": Modality.TEXT})

    def names(group: str) -> list[str]:
        return [s.name for s in group_sources(schema, [group])[group]]

    return names


def test_a_group_may_name_a_reference(groups: Callable[[str], list[str]]) -> None:
    assert groups("film") == ["film.title", "film.poster"]
    assert groups("user,stars") == ["user.city", "user,stars (table)"]
    assert groups("title,poster") == groups("film.title,film.poster") == groups("film")
    with pytest.raises(ColumnError, match="Column 'name' is not in the table"):
        groups("name")


def test_a_reference_without_columns(folder: Path) -> None:
    from plait.grouping import group_sources

    table = joined(folder)
    schema: Schema = detect(table, (), {}, ["user.age", "user.city"])
    with pytest.raises(ColumnError, match="'user' is a reference, and none of the columns"):
        group_sources(schema, ["user"])


def test_sources_of_a_joined_table(folder: Path) -> None:
    found = sources_of(detect(joined(folder)))
    assert "film.poster" in [source.name for source in found]


def test_a_file_that_is_not_there(folder: Path) -> None:
    (folder / "films" / "posters" / "7.png").unlink()
    table = joined(folder)
    column = detect(table)["film.poster"]
    with pytest.raises(CellError, match="there is no file 'posters/7.png'"):
        plait.data.loader.decode(table.cell("film.poster", 0), column.modality, table)  # type: ignore[attr-defined]
