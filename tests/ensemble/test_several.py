"""Experts and combiners for each of several targets: the same as one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from ensemble.test_combine import experts as scored
from ensemble.test_expert_contract import EXPERTS, N, encoded, target_of
from safetensors.torch import load, save

from plait.ensemble.combine import COMBINERS
from plait.ensemble.expert import State
from plait.ensemble.several import EachCombiner, EachExpert, build_combiner
from plait.tasks.target import Target

KINDS = ("classify", "regress", "multilabel")


def told() -> tuple[Target, np.ndarray, list[np.ndarray]]:
    """Return the target, its truth with gaps, and the rows of which each is known."""
    _, signal = encoded()
    parts = [target_of(kind, signal) for kind in KINDS]
    target = Target.together([part for part, _ in parts])
    truth = np.concatenate([t for _, t in parts], axis=1).astype(np.float64)
    known = [np.arange(N) % 7 != 3, np.arange(N) % 3 != 0, np.arange(N) % 5 != 1]
    for (_, own), there in zip(target.each, known, strict=True):
        truth[~there, own] = np.nan
    return target, truth, known


def build(name: str, target: Target) -> EachExpert:
    each = [EXPERTS[name](part) for part in target.parts]
    return EachExpert(each[0].sources, target, each)


@pytest.mark.parametrize("name", ["trees", "linear"])
def test_an_expert_for_each_is_the_expert_of_each(name) -> None:
    target, truth, known = told()
    rows, new = encoded()[0], encoded(seed=1)[0]
    together = build(name, target)
    together.fit(rows, truth, np.ones(N), 0)
    scores = together.predict(new)
    assert scores.shape == (N, target.width)
    for (part, own), there in zip(target.each, known, strict=True):
        alone = EXPERTS[name](part)
        alone.fit(rows.take(there), truth[there, own], np.ones(there.sum()), 0)
        assert np.array_equal(alone.predict(new), scores[:, own], equal_nan=True)


@pytest.mark.parametrize("name", ["trees", "linear"])
def test_their_state_goes_through_files(name) -> None:
    target, truth, _ = told()
    rows, new = encoded()[0], encoded(seed=1)[0]
    together = build(name, target)
    together.fit(rows, truth, np.ones(N), 0)
    state = together.state()
    again = build(name, target)
    tensors = load(save({k: v.contiguous() for k, v in state.tensors.items()}))
    again.load(State(tensors, json.loads(json.dumps(state.facts)), list(state.trees)))
    assert np.array_equal(together.predict(new), again.predict(new), equal_nan=True)


@pytest.mark.parametrize("method", COMBINERS)
def test_a_combiner_for_each_is_the_combiner_of_each(method) -> None:
    kinds = [kind for kind in KINDS if kind in COMBINERS[method].kinds]
    parts = [scored(kind, absent=0.0, seed=1) for kind in kinds]
    target = Target.together([part for part, _, _ in parts])
    scores = np.concatenate([s for _, s, _ in parts], axis=2)
    scores[1, ::9] = np.nan
    truth = np.concatenate([t for _, _, t in parts], axis=1)
    truth[::4, target.each[0][1]] = np.nan
    together = build_combiner(method, target)
    assert isinstance(together, EachCombiner)
    together.fit(scores, truth)
    joined = together.combine(scores)
    for part, own in target.each:
        there = ~np.isnan(truth[:, own]).any(axis=1)
        alone = build_combiner(method, part)
        assert type(alone) is COMBINERS[method]
        alone.fit(scores[:, there, own], truth[there, own])
        assert np.array_equal(alone.combine(scores[:, :, own]), joined[:, own])
    again = build_combiner(method, target)
    again.load(load(save({k: torch.clone(v) for k, v in together.state().items()})))
    assert np.array_equal(again.combine(scores), joined)
