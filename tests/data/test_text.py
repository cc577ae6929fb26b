"""Texts in one clean form, and their words in every script."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.data.text import LONGEST_TEXT, read_text, script_shares, words
from plait.errors import CellError


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  a b \n", "a b"),
        ("cafe\u0301", "café"),
        ("a\x00b\x07c\u200bd\ufeff", "abcd"),
        ("line\none\ttab\r\n", "line\none\ttab"),
        ("page\x0cpage\x1cend\x85.", "page page end ."),
        ("half \ud800 pair", "half  pair"),
        ("红色".encode(), "红色"),
        (3, "3"),
        (2.5, "2.5"),
        (True, "True"),
        (np.int64(3), "3"),
        (np.float32(2.5), "2.5"),
        (["a", None, "b"], "a\nb"),
        (("a", 1), "a\n1"),
        (np.array(["a", "b"]), "a\nb"),
        ("x" * (LONGEST_TEXT + 5), "x" * LONGEST_TEXT),
        ("", ""),
    ],
)
def test_cells_become_texts(cell: Any, text: str) -> None:
    assert read_text(cell) == text


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (b"\xff\xfe\x00", "bytes that are not UTF-8 text"),
        ({"a": 1}, "expected a text, found dict"),
        (object(), "expected a text, found object"),
    ],
)
def test_what_is_no_text(cell: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        read_text(cell)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_a_clean_text_is_composed_and_can_be_stored(text: str) -> None:
    clean = read_text(text)
    assert clean.encode("utf-8").decode() == clean
    assert unicodedata.is_normalized("NFC", read_text(clean))
    assert all(unicodedata.category(c)[0] != "C" for c in clean if c not in "\n\t\r")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The quick, brown fox!", ["the", "quick", "brown", "fox"]),
        ("T-shirt No.7", ["t", "shirt", "no", "7"]),
        ("Größe naïve", ["größe", "naïve"]),
        ("红色", ["红", "色", "红色"]),
        ("红色裤子", ["红", "色", "裤", "子", "红色", "色裤", "裤子"]),
        ("赤いシャツ", list("赤いシャツ") + ["赤い", "いシ", "シャ", "ャツ"]),
        ("人々", ["人", "々", "人々"]),
        ("ที่นี่", ["ที่", "นี่", "ที่นี่"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("빨간 셔츠", ["빨간", "셔츠"]),
        ("iPhone15手机壳x2", ["iphone15", "手", "机", "壳", "手机", "机壳", "x2"]),
        ("", []),
        ("... —", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_case_can_be_kept() -> None:
    assert words("Red SHIRT", lower=False) == ["Red", "SHIRT"]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab 红色のท ี-ि़1", max_size=40))
def test_every_word_is_a_part_of_the_text(text: str) -> None:
    assert all(word and word in text for word in words(text, lower=False))


def test_shares_of_scripts() -> None:
    shares = script_shares(["ab 红色", "", "жж!"])
    assert shares == {"Latin": 1 / 3, "Cjk": 1 / 3, "Cyrillic": 1 / 3}
    assert list(script_shares(["aaa 红"])) == ["Latin", "Cjk"]
    assert script_shares(["ก"]) == {"Other": 1.0}
    assert script_shares(["123"]) == {}
