"""Dropout and noise draw from the generator of their thread, and of nobody else."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
import torch

from plait.attention import Attention
from plait.chance import Dropout, Noise, drawn_from, hidden, is_seeded, seeded


def test_a_share_is_hidden_and_the_rest_is_larger() -> None:
    torch.manual_seed(0)
    values = torch.full((400, 500), 3.0)
    out = Dropout(0.2).train()(values)
    kept = out != 0
    assert kept.float().mean().item() == pytest.approx(0.8, abs=0.005)
    assert out[kept].unique().tolist() == pytest.approx([3 / 0.8])


def test_nothing_is_hidden_where_nothing_is_learned_or_asked() -> None:
    values = torch.ones(5, 5)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0).train()(values) is values
    assert Noise(0.5).eval()(values) is values
    assert Noise(0.0).train()(values) is values
    assert repr(Dropout(0.5)) == "Dropout(0.5)"


def test_noise_has_its_spread() -> None:
    torch.manual_seed(0)
    added = Noise(0.3).train()(torch.full((400, 500), 2.0)) - 2
    assert added.mean().item() == pytest.approx(0, abs=0.003)
    assert added.std().item() == pytest.approx(0.3, abs=0.003)


@pytest.mark.parametrize("layer", [Dropout(0.5), Noise(0.5)])
def test_the_numbers_are_of_the_generator_and_torchs_own_are_left(layer: torch.nn.Module) -> None:
    values, before = torch.ones(20, 20), torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with drawn_from(torch.Generator().manual_seed(seed)):
            drawn.append(layer.train()(values))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(before, torch.get_rng_state())
    layer(values)
    assert not torch.equal(before, torch.get_rng_state())


def test_each_thread_has_its_own() -> None:
    both, found = Barrier(2, timeout=30), {}

    def draw(seed: int) -> None:
        with drawn_from(torch.Generator().manual_seed(seed)):
            both.wait()
            found[seed] = hidden(torch.ones(1000), 0.5)

    threads = [Thread(target=draw, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, values in found.items():
        with drawn_from(torch.Generator().manual_seed(seed)):
            assert torch.equal(values, hidden(torch.ones(1000), 0.5))


def test_seeded_gives_torchs_numbers_back_and_may_stand_in_itself() -> None:
    before = torch.get_rng_state()
    assert not is_seeded()
    with seeded(3):
        with seeded(3):
            inner = torch.rand(4)
        outer = torch.rand(4)
        assert is_seeded()
    assert not is_seeded()
    assert torch.equal(inner, outer)
    assert torch.equal(before, torch.get_rng_state())


def test_attention_with_dropout_is_attention_on_average() -> None:
    torch.manual_seed(0)
    layer, tokens = Attention(8, 2, 0.3), torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    with torch.no_grad(), drawn_from(torch.Generator().manual_seed(1)):
        exact = layer.eval()(tokens, tokens, mask)
        layer.train()
        drawn = torch.stack([layer(tokens, tokens, mask) for _ in range(4000)])
        layer.dropout = 1e-9
        torch.testing.assert_close(layer(tokens, tokens, mask), exact)
    assert not torch.equal(drawn[0], drawn[1])
    torch.testing.assert_close(drawn.mean(dim=0), exact, atol=0.02, rtol=0)
