"""A network encodes what several rows hold once, and learns the same from it."""

from __future__ import annotations

from dataclasses import replace

import torch
from small_network import made

from plait.types import Raw

HELD = torch.tensor([3, 3, 7, 3, 7, 5])


def repeated(raw: Raw, known: bool) -> Raw:
    """Return six rows that hold three samples."""
    rows = torch.tensor([10, 10, 11, 10, 11, 12])
    return Raw(raw.samples, rows, torch.ones(6).bool(), HELD if known else None)


def test_the_same_features_and_gradient_as_row_by_row() -> None:
    network, raw, target = made()
    weight = torch.linspace(0.5, 2, 6)
    found = []
    for known in (True, False):
        network.zero_grad()
        rows = {name: repeated(part, known) for name, part in raw.items()}
        features = network.encode(rows)
        network.loss(features, target[:6], weight).backward()
        slopes = [p.grad for p in network.parameters() if p.requires_grad]
        found.append((features["a"].pooled, slopes))
    (one, first), (other, second) = found
    assert torch.allclose(one, other)
    for a, b in zip(first, second, strict=True):
        assert a is not None
        assert torch.allclose(a, b, atol=1e-6)


def test_each_content_goes_through_its_encoder_once() -> None:
    network, raw, _ = made()
    seen: list[int] = []
    encoder = network.by_name["a"]
    encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    network.encode({"a": repeated(raw["a"], known=True)})
    network.encode({"a": repeated(raw["a"], known=False)})
    network.encode({"a": repeated(raw["a"], known=True).take(torch.tensor([0, 2, 5]))})
    assert seen == [3, 6, 3]


def test_missing_rows_hold_nothing() -> None:
    network, raw, _ = made()
    rows = repeated(raw["a"], known=True).keep(torch.tensor([False, True, True, False, True, True]))
    once, places = rows.once()
    assert [sample is None for sample in once] == [True, False, False, False]
    assert places.tolist() == [0, 1, 3, 0, 3, 2]
    features = network.encode({"a": rows})["a"]
    assert features.present.tolist() == [False, True, True, False, True, True]
    plain = network.encode({"a": replace(rows, contents=None)})["a"]
    assert torch.allclose(features.pooled, plain.pooled)
