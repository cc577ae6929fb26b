"""The bundled emoji file is whole, small, and split as its card says."""

import io
import re
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[1] / "src/plait/bundled/emoji"
FILE = FOLDER / "emoji.parquet"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
SIDE = 64
VENDORS = ("google", "twitter")
NAMES = ("name", "name_zh", "name_de", "name_es")

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    columns = [name for name in pq.read_schema(FILE).names if name not in VENDORS]
    return pq.read_table(FILE, columns=columns).to_pylist()


def splits_by(rows: list[Row], column: str) -> dict[str, set[str]]:
    splits = defaultdict(set)
    for row in rows:
        splits[row[column]].add(row["split"])
    return splits


def test_file_is_small():
    assert FILE.stat().st_size < 10_000_000


def test_file_carries_its_credits():
    metadata = pq.read_schema(FILE).metadata
    assert metadata[b"side"] == str(SIDE).encode()
    for credit in (b"Noto Emoji", b"Twemoji", b"CC-BY 4.0", b"emojibase", b"MIT"):
        assert credit in metadata[b"credits"]


def test_card_lists_the_columns():
    section = CARD.split("## Columns")[1].split("##")[0]
    assert re.findall(r"^\| `(\w+)` ", section, re.M) == pq.read_schema(FILE).names


@pytest.mark.parametrize("vendor", VENDORS)
def test_pictures_decode_and_show_something(vendor):
    for data in pq.read_table(FILE, columns=[vendor])[vendor].to_pylist():
        picture = Image.open(io.BytesIO(data))
        assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGBA", (SIDE, SIDE))
        assert picture.getchannel("A").getextrema()[1] == 255


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_picture_in_both_splits(vendor):
    table = pq.read_table(FILE, columns=[vendor, "split"])
    assert {len(found) for found in splits_by(table.to_pylist(), vendor).values()} == {1}


def test_vendors_never_share_a_picture():
    table = pq.read_table(FILE, columns=list(VENDORS)).to_pydict()
    assert not set(table["google"]) & set(table["twitter"])


@pytest.mark.parametrize("column", ["emoji", "code", *NAMES])
def test_values_are_unique_and_not_empty(rows, column):
    values = [row[column] for row in rows]
    assert all(values)
    assert len(set(values)) == len(values)


def test_code_spells_the_emoji(rows):
    for row in rows:
        assert "-".join(f"{ord(character):04X}" for character in row["emoji"]) == row["code"]


def test_no_skin_tones(rows):
    assert not [row["name"] for row in rows if re.search("[\U0001f3fb-\U0001f3ff]", row["emoji"])]


@pytest.mark.parametrize("column", ["family", *NAMES])
def test_nothing_is_in_both_splits(rows, column):
    assert {len(found) for found in splits_by(rows, column).values()} == {1}


def test_every_group_is_in_both_splits(rows):
    groups = splits_by(rows, "group")
    assert len(groups) == 9
    assert all(found == {"train", "test"} for found in groups.values())


def test_a_quarter_is_test(rows):
    share = sum(row["split"] == "test" for row in rows) / len(rows)
    assert 0.22 < share < 0.28


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("judge", {"judge", "man judge", "woman judge"}),
        ("kiss", {"kiss", "kiss: man, man", "kiss: woman, man", "kiss: woman, woman"}),
        ("apple", {"red apple", "green apple"}),
        ("dog", {"dog", "dog face"}),
        ("umbrella", {"umbrella", "closed umbrella", "umbrella on ground"}),
        ("bus", {"bus", "oncoming bus"}),
        ("flag", {"flag: France", "flag: Wales"}),
    ],
)
def test_near_duplicates_are_one_family(rows, family, names):
    assert names <= {row["name"] for row in rows if row["family"] == family}


def test_large_families_are_in_train(rows):
    sizes = Counter(row["family"] for row in rows)
    large = [row for row in rows if sizes[row["family"]] > 12]
    assert len(large) > 400
    assert {row["split"] for row in large} == {"train"}


def test_chinese_is_chinese(rows):
    for column in ("name_zh", "keywords_zh"):
        chinese = [row for row in rows if re.search("[\u4e00-\u9fff]", row[column])]
        assert len(chinese) > 0.97 * len(rows)


def test_every_row_has_keywords(rows):
    for column in ("keywords", "keywords_zh"):
        assert all(all(row[column].split("|")) for row in rows)


def test_card_counts_are_the_files(rows):
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for group in (row["group"], "all"):
            found[group].update(["emoji", row["split"]])
    pattern = r"^\| ([a-z& ]+) \| (\d+) \| (\d+) \| (\d+) \|$"
    stated = {name: tuple(map(int, counts)) for name, *counts in re.findall(pattern, CARD, re.M)}
    assert stated == {
        name: (count["emoji"], count["train"], count["test"]) for name, count in found.items()
    }


def test_card_text_states_the_files_numbers(rows):
    sizes = Counter(row["family"] for row in rows)
    single = sum(size == 1 for size in sizes.values())
    flags = sum(row["group"] == "flags" and row["split"] == "test" for row in rows)
    assert f"holds {len(rows):,} emoji" in CARD
    assert f"{SIDE} x {SIDE} pixels" in CARD
    assert f"one of {len({row['subgroup'] for row in rows})} subgroups" in CARD
    assert f"{single} of the {len(sizes):,}" in CARD
    assert f"`flag`\n({sizes['flag']} emoji)" in CARD
    assert flags == 3
    larger = CARD.split("larger families")[1].split("##")[0]
    assert set(re.findall("`(.+?)`", larger)) == {name for name in sizes if sizes[name] > 12}
