"""The ensemble of perceptrons against its members, one by one."""

from __future__ import annotations

import torch
from fusion_rows import THREE, build, some_missing
from torch.nn.functional import relu

from plait.fusion.ensemble import Ensemble, Scaled
from plait.fusion.fusion import FusionConfig
from plait.tasks.classify import Classify
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.types import Modality

TARGET = Target.learn("y", Modality.CATEGORY, ["a", "b", "c"])


def test_each_member_is_a_perceptron_of_its_own_weights() -> None:
    """W_i = W * s_i r_i' (Wen et al., equation 1), written out for every row and member."""
    parts, fusion = some_missing(), build("ensemble")
    joint = fusion(parts)
    for row in range(4):
        here = [parts[n].present[row] for n in sorted(THREE)]
        vectors = [parts[n].pooled[row] * parts[n].present[row] for n in sorted(THREE)]
        x = torch.cat([*vectors, torch.stack(here).float()])
        for member in range(fusion.members):
            layer = fusion.hidden
            own = torch.outer(layer.scale_out[member], layer.scale_in[member])
            value = relu((layer.linear.weight * own) @ x + layer.bias[member])
            assert torch.allclose(joint.tokens[row, member], value, atol=1e-5)
    assert torch.allclose(joint.pooled, joint.tokens.mean(dim=1))


def test_members_begin_apart_by_signs() -> None:
    torch.manual_seed(0)
    fusion = Ensemble(THREE, FusionConfig(width=8, members=5))
    assert set(fusion.hidden.scale_in.unique().tolist()) == {-1.0, 1.0}
    tokens = fusion.eval()(some_missing()).tokens
    assert (tokens[:, 0] - tokens[:, 1]).abs().max() > 0.01


def test_each_member_learns_alone_and_their_mean_predicts() -> None:
    fusion, parts = build("ensemble"), some_missing()
    task = Classify(fusion.width, TARGET, HeadConfig(), fusion.members)
    torch.nn.init.normal_(task.head.weight)
    torch.nn.init.normal_(task.head.bias)
    joint = fusion(parts)
    probabilities = (joint.tokens @ task.head.weight.T + task.head.bias).softmax(dim=2)
    assert torch.allclose(task.predict(joint), probabilities.mean(dim=1), atol=1e-6)
    target = torch.nn.functional.one_hot(torch.tensor([0, 2, 1, 1, 2]), 3).float()
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0, 0.0])
    likely = (probabilities * target[:, None]).sum(dim=2)
    own = -likely.log().mean(dim=1)
    expected = (own * weight).sum() / weight.sum()
    assert torch.allclose(task.loss(joint, target, weight), expected, atol=1e-5)
    assert torch.allclose(task.likelihoods(joint, target), likely.mean(dim=1), atol=1e-5)


def test_scaled_shares_one_matrix() -> None:
    layer = Scaled(6, 4, 3)
    assert sum(p.numel() for p in layer.parameters()) == 6 * 4 + 3 * (6 + 4 + 4)


def test_what_is_hidden_of_a_row_is_hidden_from_all_members() -> None:
    fusion = Ensemble(THREE, FusionConfig(width=64, members=5, dropout=0.5))
    torch.nn.init.constant_(fusion.hidden.bias, 10.0)  # so that no unit is zero by itself
    whole, part = fusion.eval()(some_missing()), fusion.train()(some_missing())
    hidden = part.tokens[part.mask[:, 0]] == 0
    assert 0.3 < hidden.float().mean() < 0.7
    assert torch.equal(hidden, hidden[:, :1].expand_as(hidden))
    assert not torch.equal(hidden[0], hidden[1])  # each row has a draw of its own
    left = part.tokens != 0
    torch.testing.assert_close(part.tokens[left], 2 * whole.tokens[left])


def test_half_precision_is_near_the_whole() -> None:
    layer, values = Scaled(6, 4, 3), torch.randn(5, 3, 6)
    torch.nn.init.normal_(layer.scale_out)
    torch.nn.init.normal_(layer.bias)
    with torch.autocast("cpu", torch.bfloat16):
        half = layer(values)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), layer(values), atol=0.05, rtol=0.05)
