"""What a network is shown in training: sources and tokens hidden, rows blended in pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from plait.train.augment import drop_sources, drop_tokens, mix
from plait.types import Features


def features(rows: int, width: int = 2, seed: int = 0) -> Features:
    values = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))
    return Features.of_vectors(values)


def sequence(lengths: list[int], seed: int = 0) -> Features:
    values = torch.randn(len(lengths), max(lengths), 3,
                         generator=torch.Generator().manual_seed(seed))  # fmt: skip
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    time = torch.arange(max(lengths)).float().expand(len(lengths), -1) + 10 * seed
    return replace(Features.of_tokens(values * mask[:, :, None], mask), time=time)


def test_modality_dropout_hides_some_but_never_all() -> None:
    rows = 4000
    parts = {"a": features(rows), "b": features(rows, seed=1)}
    only_b = torch.arange(rows) < 1000  # these lack `a`
    parts = {"a": parts["a"].keep(~only_b), "b": parts["b"]}
    hidden = drop_sources(parts, 0.5, torch.Generator().manual_seed(0))
    present = torch.stack([hidden["a"].present, hidden["b"].present], dim=1)
    assert present.any(dim=1).all()
    assert not present[only_b, 0].any()
    assert present[only_b, 1].all()
    # Each is kept by half; a row that lost both gets both back.
    both, one = (present[~only_b].sum(dim=1) == k for k in (2, 1))
    assert both.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert one.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert not hidden["a"].pooled[~hidden["a"].present].any()
    assert drop_sources(parts, 0.0, torch.Generator()) is parts
    alone = {"a": parts["a"]}
    assert drop_sources(alone, 0.9, torch.Generator()) is alone


def test_token_dropout_hides_some_of_what_is_there_but_never_all() -> None:
    lengths = [1, 2, 5, 40] * 500
    part = sequence(lengths)
    hidden = drop_tokens({"a": part}, 0.5, torch.Generator().manual_seed(0))["a"]
    assert not (hidden.mask & ~part.mask).any()
    assert hidden.mask.any(dim=1).all()
    assert torch.equal(hidden.pooled, part.pooled)
    assert not hidden.tokens[~hidden.mask].any()
    assert torch.equal(hidden.tokens[hidden.mask], part.tokens[hidden.mask])
    long = torch.tensor(lengths) == 40
    assert hidden.mask[long].sum(dim=1).float().mean().item() == pytest.approx(20, abs=0.5)
    nothing = {"a": part.keep(torch.zeros(len(part)).bool())}
    assert not drop_tokens(nothing, 0.5, torch.Generator())["a"].mask.any()
    same = {"a": part}
    assert drop_tokens(same, 0.0, torch.Generator()) is same


def test_mixup_blends_all_modalities_with_the_same_row_by_the_same_share() -> None:
    parts = {"a": features(50), "b": sequence([3] * 50)}
    mixed, other, share = mix(parts, 1.0, torch.Generator().manual_seed(1))
    assert 0.05 < share < 0.95
    assert sorted(other.tolist()) == list(range(50))
    assert other.tolist() != list(range(50))
    for name, part in parts.items():
        expected = share * part.pooled + (1 - share) * part.pooled[other]
        assert torch.allclose(mixed[name].pooled, expected, atol=1e-6)
    expected = share * parts["b"].tokens + (1 - share) * parts["b"].tokens[other]
    assert torch.allclose(mixed["b"].tokens, expected, atol=1e-6)


def test_what_only_one_of_two_rows_has_is_taken_whole() -> None:
    long, short = sequence([4], seed=0), sequence([2], seed=1)
    width = long.tokens.shape[1]
    grown = torch.nn.functional.pad
    two = Features(
        torch.cat([long.pooled, short.pooled]),
        torch.cat([long.tokens, grown(short.tokens, (0, 0, 0, 2))]),
        torch.cat([long.mask, grown(short.mask, (0, 2))]),
        torch.zeros(2, width).long(),
        torch.cat([long.time, grown(short.time, (0, 2))]),
    )
    missing = features(2).keep(torch.tensor([True, False]))
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        mixed, other, share = mix({"a": two, "b": missing}, 1.0, generator)
        if other.tolist() == [1, 0]:
            break
    assert mixed["a"].mask.all()
    assert torch.allclose(mixed["a"].tokens[1, 2:], two.tokens[0, 2:])
    assert torch.allclose(
        mixed["a"].tokens[0, :2], share * two.tokens[0, :2] + (1 - share) * two.tokens[1, :2]
    )
    assert mixed["a"].time[1].tolist() == [10, 11, 2, 3]  # its own where it has any
    assert mixed["b"].present.all()
    assert torch.allclose(mixed["b"].pooled, missing.pooled[:1].expand(2, -1))


def test_a_small_alpha_leaves_rows_nearly_apart() -> None:
    def shares(alpha: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        draws = [mix({"a": features(2)}, alpha, generator)[2] for _ in range(300)]
        return torch.tensor(draws)

    for alpha in (0.1, 1.0, 8.0):  # the variance of Beta(a, a) is 1 / (4 (2 a + 1))
        assert shares(alpha).var().item() == pytest.approx(1 / (8 * alpha + 4), rel=0.2)
