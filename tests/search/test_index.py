"""An index is built, searched, changed, gone back in, and opened by others."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made_index import CHINESE, QUIET, SHAPES, made_space, part, things

import plait
from plait.errors import ColumnError, ConfigError, ModelError, TableError
from plait.search.index import Index
from plait.search.query import Query
from plait.search.store import Store
from plait.spaces.space import Space


@pytest.fixture(scope="module")
def space() -> Space:
    return made_space()


@pytest.fixture(scope="module")
def built(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index of 200 things, for tests that copy it or only read."""
    folder = tmp_path_factory.mktemp("built")
    table = things()
    table["code"][3] = None
    plait.index(space, table, folder / "things.lance", group="code", progress=QUIET)
    return folder / "things.lance"


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Index:
    shutil.copytree(built, tmp_path / "things.lance")
    found: Index = plait.load(tmp_path / "things.lance")
    return found


def names(found: Any) -> list[str]:
    return [hit.cells["name"] for hit in found]


def test_words_find_codes(index: Index) -> None:
    hits = index.search("red cup", k=5, mode="vector")
    assert hits.score == "cosine"
    assert sum(hit.cells["words"] == "red cup" for hit in hits) >= min(
        4, things()["words"].count("red cup")
    )
    assert all(a.score >= b.score for a, b in zip(hits.hits, hits.hits[1:], strict=False))
    assert "_vector" not in hits.hits[0].cells


def test_the_order_is_that_of_a_plain_product(index: Index, space: Space) -> None:
    table = things()
    table["code"][3] = None
    vectors = space.vectors(table, "code")
    query = space.vectors({"words": ["blue fork"]}, "words")[0]
    best = np.argsort(-np.nan_to_num(vectors @ query, nan=-9), kind="stable")[:7]
    found = index.search("blue fork", k=7, mode="vector")
    assert names(found) == [table["name"][row] for row in best]
    np.testing.assert_allclose([h.score for h in found], (vectors @ query)[best], atol=1e-5)


def test_rows_without_a_vector_are_found_by_words_alone(index: Index) -> None:
    assert index.missing == 1
    assert index.measured.rows == 199
    lost = things()["name"][3]
    every = index.search("red", k=250, mode="vector")
    assert len(every) == 199
    assert lost not in names(every)
    assert lost in names(index.search(lost, mode="text"))
    assert lost in names(index.search(things()["words"][3], where=f"name = '{lost}'"))


@pytest.mark.parametrize(("words", "row"), [("红色", 0), ("漂亮", 0), ("碗", 1), ("勺子", 4)])
def test_chinese_words_are_found(index: Index, words: str, row: int) -> None:
    found = index.search(words, k=200, mode="text")
    assert {hit.cells["zh"] for hit in found} == {CHINESE[row]}
    assert len(found) == things()["zh"].count(CHINESE[row])


def test_both_orders_are_joined_by_ranks(index: Index) -> None:
    words, k = "green spoon 绿色的碗", 1000
    orders = [[h.row for h in index.search(words, k=k, mode=m)] for m in ("vector", "text")]
    expected: dict[int, float] = {}
    for order in orders:
        for rank, row in enumerate(order, 1):
            expected[row] = expected.get(row, 0) + 1 / (60 + rank)
    found = index.search(words, k=20)
    assert found.score == "reciprocal ranks"
    best = sorted(expected, key=lambda row: -expected[row])[:20]
    assert [hit.row for hit in found] == best
    np.testing.assert_allclose([h.score for h in found], [expected[r] for r in best])


def test_words_that_the_space_does_not_know(index: Index) -> None:
    found = index.search("漂亮")
    assert found.score == "BM25"
    assert found.notes == ("The space makes nothing of this query, so only words were looked for.",)


def test_vectors_with_nan_are_missing_and_never_found(space: Space, tmp_path: Path) -> None:
    """Built, added, or asked with; a number that is missing is filled in, as everywhere."""
    none, table = float("nan"), things(40)
    table["code"][0], table["code"][1] = [none] * 12, [float("inf"), *table["code"][1][1:]]
    table["code"][2] = [none, none, *table["code"][2][2:]]
    index = plait.index(space, table, tmp_path / "nan.lance", group="code", progress=QUIET)
    assert index.missing == 2
    more = things(3, seed=5)
    more["code"][1] = [none] * 12
    assert index.add(more) == 1
    found = index.search("red cup", k=100, mode="vector")
    assert len(found) == 43 - 3
    assert np.isfinite([hit.score for hit in found]).all()
    assert not {"thing 0-0", "thing 0-1", "thing 5-1"} & set(names(found))
    for nothing in ([none] * 12, [float("inf")] * 12):
        empty = index.search(Query.cells({"code": nothing}))
        assert len(empty) == 0
        assert empty.notes == ("The space makes nothing of this query, so nothing was looked for.",)
    lost = int(index.store.rows("name = 'thing 0-0'")[0])
    assert len(index.search(like=lost)) == 0


def test_filters_hold_for_every_order(index: Index) -> None:
    table = things()
    passing = {n for n, p, b in zip(table["name"], table["price"], table["brand"], strict=True)
               if p < 50 and b == "X"}  # fmt: skip
    for mode in ("hybrid", "vector", "text"):
        found = index.search("red cup", k=200, where="price < 50 and brand = 'X'", mode=mode)
        assert set(names(found)) <= passing
        if mode == "vector":
            assert set(names(found)) == passing - {table["name"][3]}


def test_a_row_finds_its_like_and_not_itself(index: Index) -> None:
    found = index.search(like=7, k=5)
    assert 7 not in [hit.row for hit in found]
    words = things()["words"]
    assert found.hits[0].cells["words"] == words[7]
    with pytest.raises(ModelError, match=r"Row 5000 is not in the index '.*things.lance'"):
        index.search(like=5000)


def test_what_is_not_wanted_moves_away(index: Index) -> None:
    row = things()["words"].index("red cup")
    mixed = Query.like(row) + Query.text("green") - Query.text("red")
    found = index.search(mixed, k=8, mode="vector")
    first = [hit.cells["words"] for hit in found]
    assert sum("green" in words for words in first) > 4
    assert not any("red" in words for words in first)
    unlike = index.search("cup", unlike="red", k=8, mode="vector")
    assert not any("red" in hit.cells["words"] for hit in unlike)


def test_rows_that_go_while_they_are_read(index: Index) -> None:
    vectors = index.store.vectors_of(np.array([2, 999, 3, 0]))
    assert np.isnan(vectors[[1, 2]]).all()
    np.testing.assert_array_equal(vectors[[0, 3]], index.store.vectors_of(np.array([2, 0])))
    assert index.store.vectors_of(np.array([], np.int64)).shape == (0, 32)
    assert index.store.take(np.array([5, 999, 1]), ["name"])["name"].to_pylist() == [
        "thing 0-5", "thing 0-1"
    ]  # fmt: skip


def test_pages_follow_one_another(index: Index) -> None:
    for mode in ("hybrid", "vector", "text"):
        whole = [h.row for h in index.search("white plate", k=30, mode=mode)]
        pages = [[h.row for h in index.search("white plate", k=10, page=p, mode=mode)]
                 for p in (1, 2, 3)]  # fmt: skip
        assert [row for page in pages for row in page] == whole
    with pytest.raises(ConfigError, match="Page 11 of 100 rows is beyond the first 1,000"):
        index.search("white plate", k=100, page=11)


def test_facets_count_the_matches(index: Index) -> None:
    found = index.search("bowl", mode="text", facets=["brand", "price"])
    table = things()
    own = [b for b, w in zip(table["brand"], table["words"], strict=True) if "bowl" in w]
    assert found.pool == len(own)
    assert found.facets["brand"] == {b: own.count(b) for b in set(own)}
    with pytest.raises(ColumnError, match="Column 'brnd' is not in the index, so it cannot be co"):
        index.search("bowl", facets=["brnd"])


def test_diverse_results_are_less_alike(index: Index) -> None:
    def likeness(diverse: float) -> float:
        found = index.search("cup", k=8, mode="vector", diverse=diverse)
        vectors = index.store.vectors_of(np.array([hit.row for hit in found]))
        return float((vectors @ vectors.T).mean())

    assert likeness(0.7) < likeness(0.0) - 0.1
    whole = [h.row for h in index.search("cup", k=20, diverse=0.5)]
    assert whole[10:] == [h.row for h in index.search("cup", k=10, page=2, diverse=0.5)]


def test_added_rows_are_found_by_all_and_others(index: Index) -> None:
    other = plait.load(index.store.uri)
    more = things(8, seed=1)
    more["code"][0] = None
    assert index.add(more) == 1
    for reader in (index, other):
        assert len(reader) == 208
        assert "thing 1-5" in names(reader.search("thing 1-5", mode="text"))
        assert more["name"][5] in names(reader.search(more["words"][5], k=300, mode="vector"))
    assert index.measured.version < index.version  # what was built is still of use
    assert len(index.refresh().fresh) == 7


def test_removed_rows_are_not_found(index: Index) -> None:
    gone = [hit.row for hit in index.search("cup", k=200, mode="vector") if
            hit.cells["brand"] == "Z" and hit.cells["price"] < 20]  # fmt: skip
    assert index.remove("brand = 'Z' and price < 20") == len(gone) > 2
    assert index.refresh().alive is not None
    for mode in ("vector", "text"):
        assert not set(gone) & {h.row for h in index.search("cup", k=200, mode=mode)}
    assert index.remove("price < -5") == 0
    assert index.remove("price >= 0") == len(things()["name"]) - len(gone)
    assert len(index) == len(index.search("cup")) == len(index.search("cup", mode="text")) == 0
    index.add(things(3, seed=1))
    assert len(index.search("cup", mode="vector")) == 3


def test_a_version_can_be_gone_back_to(index: Index) -> None:
    before, first = index.version, names(index.search("cup", k=20))
    index.remove("price < 50")
    index.add(things(10, seed=2))
    assert names(index.search("cup", k=20)) != first
    index.restore(before)
    assert names(index.search("cup", k=20)) == first
    assert len(index) == 200
    counts = [one.rows for one in index.history()]
    assert counts[-1] == 200
    assert len(set(counts)) == 3
    with pytest.raises(ModelError, match=r"has no version 99; there are 1 to \d+"):
        index.restore(99)


def test_compaction_keeps_all_rows_and_numbers(index: Index) -> None:
    for seed in range(1, 6):
        index.add(things(4, seed=seed))
    index.remove("price > 90")
    before = {hit.row: hit.cells["name"] for hit in index.search("cup", k=300)}
    index.compact()
    assert {hit.row: hit.cells["name"] for hit in index.search("cup", k=300)} == before
    assert len(index.history()) > 7
    with pytest.warns(UserWarning, match="removes every version"):
        index.compact(keep_days=0)
    assert len(index.history()) == 1
    assert {hit.row: hit.cells["name"] for hit in index.search("cup", k=300)} == before
    with pytest.raises(ConfigError, match="Days to keep must be 0 or more, found -1"):
        index.compact(-1)


def test_with_a_key_rows_take_the_place_of_their_like(space: Space, tmp_path: Path) -> None:
    table = things(60)
    index = plait.index(space, table, tmp_path / "i.lance", group="code", key="name",
                        progress=QUIET)  # fmt: skip
    changed = part(table, [4, 5])
    changed["words"], changed["price"] = ["unheard of", "odd"], [1000.0, 1001.0]
    changed["code"] = [table["code"][9], None]
    index.add(changed)
    assert len(index) == 60
    (hit,) = index.search("unheard", mode="text")
    assert (hit.row, hit.cells["price"]) == (4, 1000.0)
    twin = index.search(like=9, k=1).hits[0]
    assert twin.row == 4
    assert twin.score == pytest.approx(1, abs=1e-5)
    assert 5 not in [hit.row for hit in index.search("cup", k=60, mode="vector")]
    (only,) = index.search("cup", mode="vector", where="price > 900")  # and no vector of before
    assert only.row == 4
    with pytest.raises(TableError, match="The table has no column 'name', the key that tells"):
        index.add({"code": table["code"][:2]})
    with pytest.raises(TableError, match=r"the key: .* \(1 different ones in 2 rows"):
        index.add(part(table, [4, 4]))
    with pytest.raises(TableError, match="Column 'brand' cannot be the key: its values are miss"):
        plait.index(space, table, tmp_path / "j.lance", key="brand", progress=QUIET)


def test_much_that_is_new_is_built_again(index: Index) -> None:
    before = index.measured.version
    index.add(things(80, seed=3))
    assert index.measured.version > before
    assert index.measured.rows == 279
    folders = [path.name for path in Path(index.store.uri, "_plait").glob("vectors-*")]
    assert folders == [f"vectors-{index.measured.version}"]


def test_a_graph_answers_as_the_exact_engine_does(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.search.engine.FILTERED_UP_TO", 20)
    tables = [things(400), things(30, seed=4)]
    found = {}
    for engine in ("exact", "graph"):
        index = plait.index(space, tables[0], tmp_path / f"{engine}.lance", group="code",
                            engine=engine, progress=QUIET)  # fmt: skip
        assert index.measured.engine == engine
        index.add(tables[1])
        index.remove("price < 5")
        again = plait.load(index.store.uri)
        found[engine] = [
            names(one.search("black knife", k=10, mode="vector", where=where))
            for one in (index, again) for where in (None, "brand = 'X'", "price < 12")
        ]  # fmt: skip
    assert found["exact"] == found["graph"]
    assert index.measured.recall >= 0.98


def test_equal_rows_are_searched_once_and_all_found(space: Space, tmp_path: Path) -> None:
    table = {name: [cells[0]] * 3000 for name, cells in things(1).items()}
    table["price"] = [float(n) for n in range(3000)]
    for name, cells in things(20, seed=1).items():
        table[name] += cells
    index = plait.index(space, table, tmp_path / "i.lance", group="code", progress=QUIET)
    assert index.measured.different == 21
    found = index.search(like=0, k=500)
    assert [hit.row for hit in found] == list(range(1, 501))
    assert all(hit.score > 0.9999 for hit in found)
    some = index.search(like=0, k=10, where="price >= 2500 and price < 2505")
    assert sorted(hit.row for hit in some)[:5] == [2500, 2501, 2502, 2503, 2504]
    (group,) = [g for g in index.duplicates(0.9999) if 0 in g]
    assert group == list(range(3000))


def test_near_duplicates(index: Index) -> None:
    table = things()
    table["code"][3] = None
    vectors = index.space.vectors(table, "code")
    alike = np.nan_to_num(vectors @ vectors.T, nan=-1) >= 0.96
    label = np.arange(200)
    for _ in range(200):
        label = np.where(alike, label[None, :], 999).min(axis=1).clip(max=label)
    groups = [np.flatnonzero(label == one).tolist() for one in np.unique(label)]
    expected = sorted((g for g in groups if len(g) > 1), key=lambda g: (-len(g), g))
    assert index.duplicates(0.96) == expected != []
    index.remove(f"name = '{table['name'][expected[0][0]]}'")
    assert not any(expected[0][0] in group for group in index.duplicates(0.96))
    with pytest.raises(ConfigError, match="The least cosine must be between 0 and 1, found 2"):
        index.duplicates(2)


def test_the_model_of_an_index_is_kept_and_known(index: Index, tmp_path: Path) -> None:
    other = made_space(seed=1)
    with pytest.raises(ModelError, match="they cannot be compared. Add with the space of the in"):
        index.add(things(3), other)
    index.add(things(3, seed=9), index.space)
    (kept,) = Path(index.store.uri, "_plait").glob("space-*")
    document = json.loads((kept / "plait.json").read_text())
    document["widths"]["code"] = document["widths"].get("code", 0) + 1
    (kept / "plait.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match="has changed since it made the vectors of this index"):
        plait.load(index.store.uri)
    (kept / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"The space '.*' is not whole: .*weights"):
        plait.load(index.store.uri)
    shutil.rmtree(kept)
    with pytest.raises(ModelError, match="has lost its space, .*; build it again"):
        plait.load(index.store.uri)


def test_an_index_written_over_stays_as_an_older_version(index: Index, space: Space) -> None:
    with pytest.raises(ModelError, match=r"exists already: add rows to it \(--add\), choose"):
        plait.index(space, things(20), index.store.uri, progress=QUIET)
    reader = plait.load(index.store.uri)
    before, found = index.version, names(index.search("cup", k=20))
    other = made_space(seed=1)
    again = plait.index(other, things(20, seed=5), index.store.uri, group="code", overwrite=True,
                        progress=QUIET)  # fmt: skip
    assert len(again) == len(reader) == 20
    assert names(again.search("cup", k=20)) == names(reader.search("cup", k=20))
    again.restore(before)
    assert names(again.search("cup", k=20)) == found


def test_numbers_in_text_are_numbers(space: Space, tmp_path: Path) -> None:
    table = things(30)
    table["price"] = [f"{price:,.2f}" for price in table["price"]]
    table["price"][2] = "1,234.50"
    index = plait.index(space, table, tmp_path / "i.lance", group="code", progress=QUIET)
    assert index.store.rows("price > 1000").tolist() == [2]


def test_columns_keep_their_types(space: Space, tmp_path: Path) -> None:
    import pyarrow as pa

    days = [datetime(2026, 1, day + 1) for day in range(6)]
    table = pa.table({
        "code": things(6)["code"], "count": pa.array(range(6)), "sold": [True, False] * 3,
        "day": pa.array(days, pa.timestamp("us")),
        "kind": pa.array(["a", "b", None] * 2).dictionary_encode(),
        "cost": pa.array([Decimal(f"{n}.25") for n in range(6)]),
    })  # fmt: skip
    index = plait.index(space, table, tmp_path / "i.lance", group="code", progress=QUIET)
    for where, rows in {
        "count >= 4": [4, 5], "sold": [0, 2, 4], "day < timestamp '2026-01-03'": [0, 1],
        "kind = 'b'": [1, 4], "kind is null": [2, 5], "cost > 4": [4, 5],
    }.items():  # fmt: skip
        assert index.store.rows(where).tolist() == rows
    cells = index.search(like=0, k=1, where="count = 3").hits[0].cells
    assert cells == {
        "count": 3,
        "sold": False,
        "day": days[3],
        "kind": "a",
        "cost": Decimal("3.25"),
    }


def test_bad_input(index: Index, space: Space, tmp_path: Path) -> None:
    uri = index.store.uri
    with pytest.raises(ConfigError, match="The query is empty"):
        index.search()
    with pytest.raises(ConfigError, match="cannot be asked with a sound"):
        index.search(sound="a.wav")
    for where in ("prize < 5", "red = 'x' and price < 5"):
        with pytest.raises(ColumnError, match="which is not in the index"):
            index.search("cup", where=where)
    with pytest.raises(ColumnError, match="'prize', which is not in the index. Did you mean 'pri"):
        index.search("cup", where="prize < 5", mode="text")
    for where in ("1=1; drop table things", "price < 5 garbage", "price", "select * from things",
                  "price = (select 1)", "price < 'x'"):  # fmt: skip
        with pytest.raises(ConfigError, match="filter is a condition on columns"):
            index.search("cup", where=where)
        with pytest.raises(ConfigError, match="filter is a condition on columns"):
            index.remove(where)
    assert len(index) == 200
    with pytest.raises(ConfigError, match="Mode of search 'fuzzy' is not known"):
        index.search("cup", mode="fuzzy")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Only words can be found by words"):
        index.search(like=3, mode="text")
    with pytest.raises(TableError, match="The table has no rows to add"):
        index.add(plait.read(things(3)).take([]))
    with pytest.raises(TableError, match="Column 'colour' is not in the index, which holds"):
        index.add({**things(3), "colour": ["red"] * 3})
    with pytest.raises(TableError, match="The table has none of the columns of 'code'"):
        index.add({"name": ["a"]})
    with pytest.raises(TableError, match="The table has no rows to index"):
        plait.index(space, plait.read(things(3)).take([]), tmp_path / "e.lance", progress=QUIET)
    with pytest.raises(TableError, match="none of the columns that the space reads"):
        plait.index(space, {"name": ["a", "b"]}, tmp_path / "e.lance", progress=QUIET)
    with pytest.raises(ConfigError, match="Group of columns 'cod' is not known"):
        plait.index(space, things(3), tmp_path / "e.lance", group="cod", progress=QUIET)
    with pytest.raises(ConfigError, match="Engine 'graf' is not known. Did you mean 'graph'"):
        plait.index(space, things(3), tmp_path / "e.lance", engine="graf", progress=QUIET)  # type: ignore[arg-type]
    for name in ("_vector", "a.b"):
        with pytest.raises(TableError, match=f"Column '{name}' cannot be kept in an index"):
            plait.index(space, {**things(3), name: ["x y", "y", "z"]}, tmp_path / "e.lance",
                        progress=QUIET)  # fmt: skip
    with pytest.raises(ModelError, match="cannot be the name of an index; it must end in .lance"):
        plait.index(space, things(3), tmp_path / "folder", progress=QUIET)
    with pytest.raises(ModelError, match=r"There is no index '.*thing.lance'. Did you mean 'thi"):
        plait.load(str(uri).replace("things", "thing"))
    (tmp_path / "cut.lance").mkdir()
    with pytest.raises(ModelError, match="holds no index; where `plait index` was cut off, run"):
        plait.load(tmp_path / "cut.lance")
    bare = plait.index(space, {"code": things(5)["code"]}, tmp_path / "b.lance", progress=QUIET)
    with pytest.raises(ConfigError, match="The index has no column of words to look in"):
        bare.search("cup", mode="text")
    assert len(bare.search("cup")) == 5


def test_a_table_of_another_type_changes_nothing(index: Index) -> None:
    before = index.version
    wrong = things(3)
    wrong["price"] = ["cheap", "dear", "fair"]
    index.add(wrong)  # unreadable numbers are missing, as everywhere
    assert index.version > before
    import pyarrow as pa

    typed = pa.table({"code": things(3)["code"], "count": pa.array([1, 2, 3])})
    counted = plait.index(index.space, typed, Path(index.store.uri).parent / "n.lance",
                          group="code", progress=QUIET)  # fmt: skip
    with pytest.raises(TableError, match="Column 'count' holds int64 in the index, and the table"):
        counted.add({"code": things(1)["code"], "count": ["many"]})
    assert len(counted) == 3


def test_what_others_wrote_is_no_index(tmp_path: Path, space: Space) -> None:
    import lancedb

    lancedb.connect(tmp_path).create_table("other", [{"x": 1.0}])
    with pytest.raises(ModelError, match="is a Lance dataset that `plait index` did not write"):
        plait.load(tmp_path / "other.lance")
    index = plait.index(space, things(5), tmp_path / "i.lance", group="code", progress=QUIET)
    facts = {"format": 99}
    index.store.table.to_lance  # noqa: B018  # pylance is not needed for any of this
    schema = index.store.schema.with_metadata({"plait": json.dumps(facts)})
    lancedb.connect(tmp_path).create_table("new", schema=schema)
    with pytest.raises(ModelError, match="has format 99, this plait reads up to 1"):
        plait.load(tmp_path / "new.lance")


def test_an_index_by_uri(tmp_path: Path, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beside the rows is kept in the cache, and the space in the storage too."""
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    uri = f"{tmp_path.as_uri()}/far.lance"
    index = plait.index(space, things(50), uri, group="code", progress=QUIET)
    first = names(index.search("red cup"))
    shutil.rmtree(tmp_path / "cache")
    again = plait.load(uri)
    assert names(again.search("red cup")) == first
    assert not list((tmp_path / "far.lance" / "_plait").glob("vectors-*"))
    again.add(things(2, seed=4))
    assert len(Store.open(uri)) == 52
    with pytest.raises(ModelError, match="exists already"):
        plait.index(space, things(5), uri, progress=QUIET)
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "far.lance" / "_plait")
    with pytest.raises(ModelError, match="The space cannot be copied from"):
        plait.load(uri)


def test_stems_of_a_language(space: Space, tmp_path: Path) -> None:
    found = {}
    for language in (None, "English"):
        index = plait.index(space, things(30), tmp_path / f"{language}.lance", group="code",
                            language=language, text=["words"], progress=QUIET)  # fmt: skip
        found[language] = len(index.search("cups", mode="text", k=50))
        assert not len(index.search("thing", mode="text"))
    assert found[None] == 0
    assert found["English"] == sum("cup" in words for words in things(30)["words"])
    assert SHAPES[0] == "cup"


def test_filters_of_many_rows_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.search.store.LOOKED_UP", 40)
    index = plait.index(made_space(), things(50), tmp_path / "x.lance", group="code",
                        progress=QUIET)  # fmt: skip
    columns = {name for one in index.store.table.list_indices() for name in one.columns}
    numbers = [f.name for f in index.store.schema
               if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]  # fmt: skip
    assert numbers
    assert set(numbers) <= columns
    name = numbers[0]
    cells = index.store.take(np.arange(50), [name])[name].to_pylist()
    limit = sorted(cells)[20]
    before = {hit.row for hit in index.search("red cup", k=50, where=f"{name} < {limit}").hits}
    assert before == {row for row, cell in enumerate(cells) if cell < limit}
    index.add(things(30, seed=9))  # what the index does not hold yet is found all the same
    everything = index.store.take(np.arange(80), [name])[name].to_pylist()
    after = {hit.row for hit in index.search("red cup", k=100, where=f"{name} < {limit}").hits}
    assert after == {row for row, cell in enumerate(everything) if cell < limit}
