"""The small parts: fitted state, standardising, bounding, the hidden layer."""

from __future__ import annotations

import pytest
import torch

from plait.layers import MLP, Bounded, Fitted, Standardise, one_thread


def test_standardise_against_hand() -> None:
    values = torch.tensor([[1.0, 10.0], [3.0, 14.0]])
    layer = Standardise()
    layer.fit(values)
    assert layer.mean.tolist() == [2, 12]
    assert layer.scale.item() == pytest.approx(5**0.5)  # both rows are (1, 2) from the mean
    assert layer(values).norm(dim=1).tolist() == pytest.approx([1, 1])


def test_what_never_changed_does_not_explode_later() -> None:
    layer = Standardise()
    layer.fit(torch.full((5, 2), 3.0))
    assert layer(torch.full((1, 2), 4.0)).tolist() == [[1, 1]]


def test_bounded_keeps_rows_apart_and_pulls_outliers_in() -> None:
    one = Bounded()(torch.tensor([[0.0], [0.1], [1.0], [50.0], [-1.0]]))[:, 0]
    assert one.tolist() == pytest.approx([0, 0.1 / 1.01**0.5, 0.5**0.5, 1, -(0.5**0.5)], abs=1e-3)
    wide = Bounded()(torch.tensor([[3.0, 4.0, 0.0, 0.0]]))
    assert wide.tolist()[0] == pytest.approx([3 * 2 / 26**0.5, 4 * 2 / 26**0.5, 0, 0])


def test_fitted_takes_shapes_and_facts_from_a_state() -> None:
    one, other = Fitted(), Fitted()
    one.learn(values=torch.arange(6, dtype=torch.float64).reshape(2, 3))
    one.facts = {"words": ["a", "b"]}
    other.learn(values=torch.zeros(0))
    other.load_state_dict(one.state_dict())
    assert other.values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert other.values.dtype == torch.float32
    assert other.facts == {"words": ["a", "b"]}


def test_fitted_inside_another_module_loads_too() -> None:
    one, other = torch.nn.Sequential(Standardise()), torch.nn.Sequential(Standardise())
    one[0].fit(torch.rand(4, 3))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one[0].mean, other[0].mean)


def test_mlp_shape_dropout_and_its_own_order() -> None:
    torch.manual_seed(0)
    layer = MLP(4, 8, 3, dropout=0.5)
    values = torch.rand(5, 4)
    assert layer(values).shape == (5, 3)
    assert not torch.equal(layer(values), layer(values))
    layer.eval()
    first, norm, gelu, _, last = layer
    assert torch.equal(layer(values), last(gelu(norm(first(values)))))


def test_one_thread_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before

    @one_thread()
    def fails() -> None:
        raise KeyError(torch.get_num_threads())

    with pytest.raises(KeyError, match="1"):
        fails()
    assert torch.get_num_threads() == before
