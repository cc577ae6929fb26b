"""Maps of pictures: held once, told apart by row."""

from __future__ import annotations

import torch

from plait.maps import Maps

MADE = Maps(
    (torch.arange(12.0).view(3, 1, 2, 2), torch.arange(3.0).view(3, 1, 1, 1)),
    torch.tensor([2, 0, 2, 1]),
)


def test_rows_have_the_maps_of_their_picture() -> None:
    assert MADE.by_row(MADE.scales[1]).flatten().tolist() == [2, 0, 2, 1]
    some = MADE.take(torch.tensor([3, 3, 0]))
    assert some.scales is MADE.scales
    assert some.by_row(MADE.scales[0])[:, 0, 0, 0].tolist() == [4, 4, 8]


def test_a_row_without_a_picture_has_zeros() -> None:
    kept = MADE.keep(torch.tensor([True, False, False, True]))
    assert kept.by_row(1 + MADE.scales[1]).flatten().tolist() == [3, 0, 0, 2]
    assert kept.by_row(torch.tensor([5.0, 6.0, 7.0])).tolist() == [7, 0, 0, 6]


def test_a_picture_gets_the_gradient_of_all_of_its_rows() -> None:
    values = torch.ones(3, requires_grad=True)
    (MADE.keep(torch.tensor([True, True, False, True])).by_row(values) ** 2).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [2, 2, 2]


def test_another_precision() -> None:
    halved = MADE.to(torch.bfloat16)
    assert {own.dtype for own in halved.scales} == {torch.bfloat16}
    assert halved.rows.equal(MADE.rows)
