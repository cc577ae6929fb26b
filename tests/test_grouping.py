"""Which rows hold the same."""

from __future__ import annotations

import numpy as np

from plait.data.detect import detect
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.grouping import components, content_keys, group_sources
from plait.types import Modality

NAN = float("nan")


def test_rows_that_share_a_key_with_a_third_belong_together() -> None:
    keys = np.array([[0, 5], [0, 6], [1, 6], [2, 7], [NAN, 7], [NAN, NAN], [3, NAN]], float)
    found = components(keys)
    assert len({*found[:3]}) == len({*found[3:5]}) == 1
    assert len({*found[[0, 3, 5, 6]]}) == 4


def test_keys_are_of_all_cells_of_a_group() -> None:
    table = Table.of({
        "a": ["x", "x", "y", None, None],
        "b": ["1.5", "1.5", "1.5", "2.5", None],
        "c": ["p", "q", "p", "q", "p"],
    })  # fmt: skip
    said = {"a": Modality.TEXT, "b": Modality.NUMBER, "c": Modality.TEXT}
    groups = group_sources(detect(table, (), said), ["a, b", "c"])
    assert [source.name for source in groups["a, b"]] == ["a", "a, b (table)"]
    keys = content_keys(Reader(table, Ledger()), groups)
    np.testing.assert_array_equal(keys[:, 0], [0, 0, 1, 2, NAN])
    np.testing.assert_array_equal(keys[:, 1], [0, 1, 0, 1, 0])
