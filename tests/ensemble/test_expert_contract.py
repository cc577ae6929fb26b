"""What every expert promises: every expert, three kinds of target."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from scipy.sparse import csr_matrix

from plait.cache import Encoded
from plait.ensemble import linear
from plait.ensemble.expert import Expert, State
from plait.ensemble.linear import LinearConfig, LinearExpert, joined
from plait.ensemble.network_expert import NetworkExpert
from plait.ensemble.trees import TreesConfig, TreesExpert, load_lightgbm
from plait.errors import MissingExtraError, ModelError
from plait.fusion.fusion import FusionConfig
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train.config import TrainConfig
from plait.types import Features, Modality

N, KINDS = 160, ("classify", "two", "multilabel", "regress")
EXPERTS: dict[str, Callable[[Target], Expert]] = {
    "network": lambda target: NetworkExpert(
        ("text", "table"), target, "gated", FusionConfig(8), HeadConfig("mlp", 16),
        TrainConfig(epochs=8, least_steps=60, batch_size=32, learning_rate=0.03),
    ),
    "trees": lambda target: TreesExpert(
        ("text", "table"), target, TreesConfig(rounds=25, learning_rate=0.2, least_rows=3)
    ),
    "linear": lambda target: LinearExpert(("title", "text"), target, LinearConfig()),
    "dense": lambda target: LinearExpert(("sound", "text"), target, LinearConfig()),
}  # fmt: skip

every_expert = pytest.mark.parametrize("name", EXPERTS)
every_kind = pytest.mark.parametrize("kind", KINDS)


def encoded(rows: int = N, seed: int = 0) -> tuple[Encoded, np.ndarray]:
    """Return rows with two texts and a table, and what they say; every tenth row says nothing."""
    rng = np.random.default_rng(seed)
    words = rng.poisson(0.7, (rows, 12)).astype(np.float32)
    table = rng.normal(size=(rows, 3)).astype(np.float32)
    table[:, 2] = rng.integers(0, 4, rows)
    signal = words[:, 0] - words[:, 1] + 0.1 * table[:, 0]
    nothing = np.arange(rows) % 10 == 9
    half = np.arange(rows) % 10 == 8  # lacks the table only
    words[nothing], table[nothing | half] = 0, np.nan
    gone = torch.from_numpy(nothing | half)
    silent = torch.from_numpy(~nothing)
    features = {
        "text": Features.from_pooled(torch.from_numpy(words[:, :5].copy()), silent),
        "title": Features.from_pooled(torch.from_numpy(words[:, 5:9].copy()), silent),
        "sound": Features.from_pooled(torch.from_numpy(words[:, :6].copy()), silent),
        "table": Features.from_pooled(torch.from_numpy(np.nan_to_num(table)), ~gone),
    }
    matrices = {
        "text": csr_matrix(words[:, :8]), "title": csr_matrix(words[:, 8:]), "table": table,
    }  # fmt: skip
    codes = {"text": [], "title": [], "sound": [], "table": [2]}
    return Encoded(features, matrices, codes), signal


def target_of(kind: str, signal: np.ndarray) -> tuple[Target, np.ndarray]:
    match kind:
        case "classify":
            values = [("low", "mid", "high")[int(s > -0.5) + int(s > 0.5)] for s in signal]
            target = Target.learn("y", Modality.CATEGORY, values)
        case "two":
            values = [("no", "yes")[int(s > 0)] for s in signal]
            target = Target.learn("y", Modality.CATEGORY, values)
        case "multilabel":
            values = [tuple(n for n, yes in (("up", s > 0), ("far", s > 1)) if yes) for s in signal]
            target = Target.learn("y", Modality.CATEGORIES, values)
        case _:
            values = [float(20 + 5 * s) for s in signal]
            target = Target.learn("y", Modality.NUMBER, values)
    return target, target.encode(values)


def fitted(name: str, kind: str, seed: int = 0) -> Expert:
    rows, signal = encoded()
    target, truth = target_of(kind, signal)
    expert = EXPERTS[name](target)
    expert.fit(rows, truth, np.ones(N), seed)
    return expert


def reloaded(name: str, expert: Expert) -> Expert:
    """Return a new expert with the state as a folder holds it: safetensors, JSON and text."""
    state = expert.state()
    tensors = {k: v.contiguous() for k, v in state.tensors.items()}
    again = EXPERTS[name](expert.target)
    facts = json.loads(json.dumps(state.facts))
    again.load(State(load(save(tensors)), facts, [str(text) for text in state.trees]))
    return again


@every_expert
@every_kind
def test_shapes_ranges_absent_rows_and_learning(name, kind) -> None:
    expert, (rows, signal) = fitted(name, kind), encoded(seed=1)
    target, truth = target_of(kind, signal)
    scores = expert.predict(rows)
    absent = ~rows.present(expert.sources).numpy()
    assert absent.sum() == N / 10
    assert scores.shape == (N, target.width)
    assert scores.dtype == np.float64
    assert np.isnan(scores[absent]).all()
    known, told = scores[~absent], truth[~absent]
    assert np.isfinite(known).all()
    if kind == "regress":
        assert 1 - np.square(known - told).mean() / told.var() > 0.5
        return
    assert ((known >= 0) & (known <= 1)).all()
    if kind != "multilabel":
        assert known.sum(axis=1) == pytest.approx(1, abs=1e-5)
    right = (known.argmax(axis=1) == told.argmax(axis=1)) if kind != "multilabel" else (
        (known > 0.5) == told)  # fmt: skip
    assert right.mean() > 0.7


@every_expert
@every_kind
def test_state_through_the_files_is_the_same_to_the_bit(name, kind) -> None:
    expert, rows = fitted(name, kind), encoded(seed=1)[0]
    again = reloaded(name, expert)
    assert np.array_equal(expert.predict(rows), again.predict(rows), equal_nan=True)
    assert np.array_equal(expert.predict(rows), expert.predict(rows), equal_nan=True)
    assert expert.state().size > 100
    assert reloaded(name, again).state().size == expert.state().size


@every_expert
@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_same_seed_same_scores_and_torch_left_alone(name, kind) -> None:
    rows = encoded(seed=1)[0]
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = fitted(name, kind, seed=3).predict(rows)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    assert np.array_equal(first, fitted(name, kind, seed=3).predict(rows), equal_nan=True)


@every_expert
@every_kind
def test_one_row_is_scored_as_among_many(name, kind) -> None:
    expert, rows = fitted(name, kind), encoded(seed=1)[0]
    many = expert.predict(rows)
    for row in (0, 8, 9):
        one = expert.predict(rows.take(np.array([row])))
        assert one[0] == pytest.approx(many[row], rel=1e-5, abs=1e-6, nan_ok=True)
    assert expert.predict(rows.take(np.arange(0))).shape == (0, many.shape[1])


@every_expert
@every_kind
def test_rows_whose_sources_are_all_missing_are_nan(name, kind) -> None:
    expert, rows = fitted(name, kind), encoded(seed=1)[0]
    assert np.isnan(expert.predict(rows.without(expert.sources))).all()
    without = expert.predict(rows.without(["text"]))
    assert np.isfinite(without).any()
    assert not np.array_equal(without, expert.predict(rows), equal_nan=True)


@every_expert
@every_kind
@pytest.mark.parametrize("size", [2, 12])
def test_tiny_tables_and_targets_of_one_value(name, kind, size) -> None:
    """A fold may hold one class only, or no row with the sources."""
    rows, signal = encoded()
    target, truth = target_of(kind, signal)
    chosen = np.flatnonzero(truth[:, 0] == truth[0, 0])[:size]
    for part in (rows.take(chosen), rows.take(chosen).without(EXPERTS[name](target).sources)):
        expert = EXPERTS[name](target)
        expert.fit(part, truth[chosen], np.ones(len(chosen)), 0)
        scores = expert.predict(encoded(seed=1)[0])
        assert np.isfinite(scores[:9]).all()


@every_expert
@pytest.mark.parametrize("kind", ["two", "regress"])
def test_weights_of_rows_matter(name, kind) -> None:
    """Rows of weight next to nothing say the opposite."""
    rows, signal = encoded(3 * N)
    lying = np.arange(3 * N) % 2 == 0
    signal = np.where(lying, -signal, signal)
    target, truth = target_of(kind, signal)
    found = []
    for weight in (lying, ~lying):
        expert = EXPERTS[name](target)
        expert.fit(rows, truth, np.where(weight, 1.0, 1e-3), 0)
        scores = expert.predict(rows)[:, -1]
        there = ~np.isnan(scores)
        found.append(np.corrcoef(scores[there], np.where(lying, -signal, signal)[there])[0, 1])
    assert found[0] < -0.4
    assert found[1] > 0.4


@every_expert
def test_order_of_sources_does_not_matter(name) -> None:
    one, rows = fitted(name, "classify"), encoded(seed=1)[0]
    other = EXPERTS[name](one.target)
    assert other.sources == tuple(sorted(other.sources))
    flipped = Encoded(
        dict(reversed(rows.features.items())), dict(reversed(rows.matrices.items())), rows.codes
    )
    assert np.array_equal(one.predict(rows), one.predict(flipped), equal_nan=True)


def test_linear_equals_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rows, signal = encoded()
    _, truth = target_of("classify", signal)
    expert = fitted("linear", "classify")
    there = rows.present(expert.sources).numpy()
    matrix = joined(expert._blocks(rows))[there]
    theirs = LogisticRegression(C=10.0).fit(matrix.toarray(), truth[there].argmax(axis=1))
    expected = theirs.predict_proba(matrix)
    assert expert.predict(rows)[there] == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("kind", ["classify", "regress", "multilabel"])
def test_the_penalty_fits_the_vectors(kind: str) -> None:
    """Strong where nothing is to be learned, weak where the vectors tell all."""
    random = np.random.default_rng(0)
    signal = random.normal(size=200)
    vectors = np.concatenate([signal[:, None], 0.1 * random.normal(size=(200, 30))], axis=1)
    rows = Encoded({"photo": Features.of_vectors(torch.from_numpy(vectors).float())})

    def strength(told: np.ndarray, count: int = 200) -> float:
        target, truth = target_of(kind, told)
        expert = LinearExpert(("photo",), target, LinearConfig())
        expert.fit(rows.take(np.arange(count)), truth[:count], np.ones(count), 0)
        return expert.strength

    assert strength(random.normal(size=200)) == linear.STRENGTHS[0]
    assert strength(signal) == linear.STRENGTHS[-1]
    assert strength(signal, linear.LEAST - 1) == linear.SPARSE_STRENGTH


def test_the_solver_of_large_problems_agrees_and_repeats(monkeypatch) -> None:
    rows, signal = encoded(3000)
    target, truth = target_of("classify", signal)

    def scores() -> np.ndarray:
        expert = LinearExpert(("title", "text"), target, LinearConfig())
        expert.fit(rows, truth, np.ones(3000), 0)
        return expert.predict(rows)[rows.present(expert.sources).numpy()]

    small = scores()
    monkeypatch.setattr(linear, "LARGE", 0)
    large = scores()
    assert (small.argmax(axis=1) == large.argmax(axis=1)).mean() > 0.99
    assert 0 < np.abs(small - large).mean() < 0.03
    assert np.array_equal(large, scores())


def test_trees_read_categories_as_codes_and_reduce_text() -> None:
    expert = fitted("trees", "two")
    matrix = expert._matrix(encoded()[0])
    assert matrix.shape == (N, 3 + 5)
    assert expert._codes(encoded()[0]) == [2]
    assert np.isnan(matrix[9]).all()
    assert np.isnan(matrix[8, :3]).all()
    assert np.isfinite(matrix[8, 3:]).all()
    assert list(expert.reductions) == ["text"]


def test_many_classes_get_fewer_rounds() -> None:
    rows, signal = encoded()
    target, truth = target_of("classify", signal)
    expert = TreesExpert(("table",), target, TreesConfig(rounds=100, trees=9, least_rows=2))
    expert.fit(rows, truth, np.ones(N), 0)
    assert expert.boosters[0].num_trees() <= 9


def test_lightgbm_without_openmp_says_what_to_install(monkeypatch) -> None:
    real = builtins.__import__

    def broken(name: str, *rest, **named):
        if name == "lightgbm":
            raise OSError("libgomp.so.1: cannot open shared object file")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(
        MissingExtraError, match=r"LightGBM cannot start \(libgomp.so.1.*apt-get install libgomp1"
    ):
        load_lightgbm()


def test_scores_that_are_not_finite_are_refused() -> None:
    rows, signal = encoded()
    target, truth = target_of("two", signal)
    expert = EXPERTS["linear"](target)
    expert.fit(rows, truth, np.ones(N), seed=0)
    assert isinstance(expert, LinearExpert)
    expert.bias[1] = np.nan
    with pytest.raises(ModelError, match=r"LinearExpert gave scores that are not finite, so it"):
        expert.predict(rows)


@pytest.mark.parametrize(("fusion", "tokens"), [("gated", 1), ("experts", 1), ("shared", 3)])
def test_a_network_carries_tokens_only_where_they_are_read(
    monkeypatch: pytest.MonkeyPatch, fusion: str, tokens: int
) -> None:
    rows, target = encoded()
    text = rows.features["text"]
    three = text.pooled[:, None] * torch.tensor([0.5, 1.0, 1.5])[:, None]
    long = Features.of_tokens(three, text.present[:, None].expand(-1, 3))
    rows = replace(rows, features={**rows.features, "text": long})
    seen = []
    monkeypatch.setattr(
        NetworkExpert, "_learn", lambda self, own, lesson, *rest: seen.append(lesson)
    )
    kind = Target.learn("y", Modality.NUMBER, list(target))
    expert = NetworkExpert(
        ("text", "table"), kind, fusion, FusionConfig(8), HeadConfig(), TrainConfig()
    )
    expert.fit(rows, kind.encode(list(target)), np.ones(N), 0)
    learned = seen[0].rows["text"]
    assert learned.tokens.shape[1] == tokens
    assert torch.allclose(learned.pooled, long.pooled[rows.present(("text", "table")).numpy()])
