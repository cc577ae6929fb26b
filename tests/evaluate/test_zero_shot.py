"""Zero-shot accuracy by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plait.data.quality import Ledger
from plait.errors import TableError
from plait.evaluate.zero_shot import ZeroShot, told_apart

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [np.nan, np.nan], [0.6, 0.4]])


def test_what_cannot_be_read_is_wrong_and_other_truths_are_left_out() -> None:
    accuracy, judged = told_apart(SCORES, ["cat", "dog"], ["cat", "dog", "dog", "cat", "bird"], 0)
    assert judged == 4
    assert accuracy.value == 0.5
    assert accuracy.low < 0.5 < accuracy.high
    found = ZeroShot(("cat", "dog"), SCORES, accuracy, judged, Ledger())
    assert found.values == ["cat", "dog", "cat", None, "cat"]


def test_no_truth_is_a_label() -> None:
    with pytest.raises(
        TableError, match=r"No row's truth is one of the labels \['cat', 'dog'\]; t"
    ):
        told_apart(SCORES, ["cat", "dog"], ["bird", None, "fish", None, None], 0)
