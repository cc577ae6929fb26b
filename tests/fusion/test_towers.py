"""Towers: groups share nothing but the space."""

from __future__ import annotations

import pytest
import torch
from fusion.test_contract import SMALL, changed, features, hide

from plait.catalog import FUSIONS
from plait.fusion.towers import Towers

GROUPS = ({"photo": 7, "table": 1}, {"text": 2})


def build(fusion: str = "concat", hidden: int = 0, late: bool = False) -> Towers:
    torch.manual_seed(0)
    towers = Towers(
        [FUSIONS[fusion](own, SMALL) for own in GROUPS], 5, hidden, SMALL, [0.3] * len(GROUPS), late
    )
    for parameter in towers.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return towers.eval()


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("hidden", [0, 6])
def test_a_token_a_group(fusion: str, hidden: int) -> None:
    towers, parts = build(fusion, hidden), features(GROUPS[0] | GROUPS[1])
    joined = towers(parts)
    assert joined.tokens.shape == (6, 2, 5)
    assert joined.pooled.shape == (6, towers.width)
    assert joined.source.tolist() == [[0, 1]] * 6
    other = towers(parts | {"text": changed(parts["text"])})
    torch.testing.assert_close(joined.tokens[:, 0], other.tokens[:, 0])
    assert (joined.tokens[:, 1] - other.tokens[:, 1]).abs().amax(dim=1).min() > 1e-4
    other = towers(parts | {"table": changed(parts["table"])})
    torch.testing.assert_close(joined.tokens[:, 1], other.tokens[:, 1])
    assert (joined.tokens[:, 0] - other.tokens[:, 0]).abs().amax(dim=1).min() > 1e-4


def test_a_group_that_is_missing() -> None:
    towers, parts = build(), features(GROUPS[0] | GROUPS[1])
    joined = towers(hide(parts, "text"))
    assert joined.mask.tolist() == [[True, False]] * 6
    assert not joined.tokens[:, 1].any()
    whole = towers(parts)
    torch.testing.assert_close(joined.tokens[:, 0], whole.tokens[:, 0])
    partly = towers(hide(parts, "photo"))
    assert partly.mask.all()


def test_late_keeps_the_tokens_of_each_group() -> None:
    towers, parts = build("self_attention", late=True), features(GROUPS[0] | GROUPS[1])
    joined = towers(parts)
    assert joined.tokens.shape == (6, 6 + 1 + 4, 5)
    assert joined.source[0].tolist() == [0] * 7 + [1] * 4
    assert torch.equal(joined.mask[:, :7].sum(dim=1), torch.tensor([6, 7] * 3))
    assert not joined.tokens[~joined.mask].any()
