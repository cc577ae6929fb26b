"""What every combiner promises, and each rule by hand."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.torch import load, save

from plait.ensemble.combine import COMBINERS, Blend, Combiner, Stacking, Weighted
from plait.tasks.target import Target
from plait.types import Modality

N, E = 300, 4
RNG = np.random.default_rng(0)
CLASSES = [str(k) for k in RNG.choice(3, N, p=[0.5, 0.3, 0.2])]
LABELS = [tuple(label for label in "ab" if RNG.random() < 0.4) for _ in range(N)]
NUMBERS = (30 + 4 * RNG.normal(size=N)).tolist()
TARGETS = {
    "classify": (Target.learn("y", Modality.CATEGORY, CLASSES), CLASSES),
    "multilabel": (Target.learn("y", Modality.CATEGORIES, LABELS), LABELS),
    "regress": (Target.learn("y", Modality.NUMBER, NUMBERS), NUMBERS),
}
CASES = [(name, kind) for name, kind_of in COMBINERS.items() for kind in kind_of.kinds]
every_case = pytest.mark.parametrize(("name", "kind"), CASES)
NOISE = (0.3, 1.0, 2.0, 30.0)
"""The first expert is good, the last knows nothing."""


def experts(kind: str, absent: float = 0.0, seed: int = 0) -> tuple[Target, np.ndarray, np.ndarray]:
    """Return the target, scores (e n c) and the truth."""
    rng = np.random.default_rng(seed)
    target, values = TARGETS[kind]
    truth = target.encode(values).astype(np.float64)
    scores = []
    for noise in NOISE:
        said = truth + noise * rng.normal(size=truth.shape) * (4 if kind == "regress" else 1)
        if kind == "classify":
            odds = np.exp(3 * said / max(noise, 1))
            said = odds / odds.sum(axis=1, keepdims=True)
        elif kind == "multilabel":
            said = 1 / (1 + np.exp(-3 * (said - 0.5) / max(noise, 1)))
        else:
            said = np.clip(said, 0, 60)
        scores.append(said)
    found = np.stack(scores)
    found[rng.random((E, N)) < absent] = np.nan
    return target, found, truth


def fitted(name: str, kind: str, absent: float = 0.2, flip: bool = False) -> Combiner:
    target, scores, truth = experts(kind, absent)
    combiner = COMBINERS[name](target)
    combiner.fit(scores[::-1] if flip else scores, truth)
    return combiner


def loss(kind: str, scores: np.ndarray, truth: np.ndarray) -> float:
    if kind == "regress":
        return float(np.square(scores - truth).mean())
    p = scores.clip(1e-7, 1 - 1e-7)
    if kind == "classify":
        return float(-(truth * np.log(p)).sum(axis=1).mean())
    return float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean())


def test_every_combiner_is_tested_on_what_it_fits() -> None:
    assert len(CASES) == 19
    assert {name for name, _ in CASES} == set(COMBINERS)


@every_case
def test_shape_range_and_rows_without_any_expert(name, kind) -> None:
    target, scores, _ = experts(kind, absent=0.4, seed=1)
    combined = fitted(name, kind).combine(scores)
    nobody = np.isnan(scores).all(axis=(0, 2))
    assert nobody.sum() > 2
    assert combined.shape == (N, target.width)
    assert np.isnan(combined[nobody]).all()
    known = combined[~nobody]
    assert np.isfinite(known).all()
    if kind != "regress":
        assert ((known >= 0) & (known <= 1)).all()
    if kind == "classify":
        assert known.sum(axis=1) == pytest.approx(1)


@every_case
def test_extreme_scores_stay_finite(name, kind) -> None:
    target, scores, _ = experts(kind)
    combiner = fitted(name, kind)
    if kind == "regress":
        scores = scores * 1e6
    else:
        scores = np.eye(target.width)[RNG.integers(0, target.width, (E, N))]
    assert np.isfinite(combiner.combine(scores)).all()


@every_case
def test_an_absent_expert_is_passed_over(name, kind) -> None:
    """Rules give what they give without it; learned ones what the one that is there says."""
    combiner = fitted(name, kind)
    target, scores, _ = experts(kind, seed=1)
    scores[1:] = np.nan
    alone = combiner.combine(scores)
    if name in ("stacking", "majority"):
        decided = [target.decode(one) for one in (alone, scores[0])]
        same = np.mean([a == b for a, b in zip(*decided, strict=True)])
        assert kind == "regress" or same > 0.9
        assert np.corrcoef(alone[:, 0], scores[0, :, 0])[0, 1] > 0.9
    else:
        assert alone == pytest.approx(scores[0], abs=1e-5)


@every_case
def test_order_of_experts_does_not_matter(name, kind) -> None:
    _, scores, _ = experts(kind, absent=0.2, seed=1)
    one = fitted(name, kind).combine(scores)
    other = fitted(name, kind, flip=True).combine(scores[::-1])
    assert one == pytest.approx(other, rel=1e-3, abs=1e-3, nan_ok=True)


@every_case
def test_saved_and_loaded_is_the_same_to_the_bit(name, kind) -> None:
    target, scores, _ = experts(kind, absent=0.2, seed=1)
    combiner, again = fitted(name, kind), COMBINERS[name](target)
    again.load(load(save({k: v.contiguous() for k, v in combiner.state().items()})))
    assert np.array_equal(combiner.combine(scores), again.combine(scores), equal_nan=True)


@every_case
def test_without_rows_to_learn_from_all_count_alike(name, kind) -> None:
    target, scores, truth = experts(kind, seed=1)
    never, nothing = COMBINERS[name](target), COMBINERS[name](target)
    nothing.fit(np.full_like(scores, np.nan), truth)
    for combiner in (never, nothing):
        combined = combiner.combine(scores)
        assert np.isfinite(combined).all()
        if isinstance(combiner, Weighted) and combiner is never:
            assert combined == pytest.approx(scores.mean(axis=0))


@pytest.mark.parametrize("kind", TARGETS)
def test_learned_weights_find_the_good_expert(kind) -> None:
    combiner = fitted("weighted", kind, absent=0.0)
    assert combiner.weights.argmax() == 0
    assert combiner.weights.sum() == pytest.approx(1)
    assert combiner.weights[0] > 2 * combiner.weights[2] > 0
    assert combiner.weights[3] < 0.1


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", ["weighted", "blend", "stacking"])
def test_what_learns_is_as_good_as_the_best_single(name, kind) -> None:
    _, scores, truth = experts(kind)
    own = loss(kind, fitted(name, kind, absent=0.0).combine(scores), truth)
    singles = [loss(kind, one, truth) for one in scores]
    # Weights on the simplex are held a little away from its corners.
    assert own <= min(singles) * (1.02 if name == "weighted" else 1) + 1e-6
    _, new, _ = experts(kind, seed=5)
    combined = fitted(name, kind, absent=0.0).combine(new)
    assert loss(kind, combined, truth) < 1.05 * min(loss(kind, one, truth) for one in new)


# Each rule by hand.

TWO = TARGETS["classify"][0]


def combine(name: str, scores, kind: str = "classify") -> np.ndarray:
    return COMBINERS[name](TARGETS[kind][0]).combine(np.array(scores, dtype=float))


THREE_EXPERTS = [[[0.6, 0.3, 0.1]], [[0.2, 0.5, 0.3]], [[0.5, 0.4, 0.1]]]


def test_average_by_hand() -> None:
    assert combine("average", THREE_EXPERTS)[0] == pytest.approx([1.3 / 3, 0.4, 0.5 / 3])
    two = [THREE_EXPERTS[0], [[np.nan] * 3], THREE_EXPERTS[2]]
    assert combine("average", two)[0] == pytest.approx([0.55, 0.35, 0.1])


def test_product_by_hand() -> None:
    prior = np.array(TWO.prior)
    odds = np.array([0.6 * 0.2 * 0.5, 0.3 * 0.5 * 0.4, 0.1 * 0.3 * 0.1]) / prior**2
    assert combine("product", THREE_EXPERTS)[0] == pytest.approx(odds / odds.sum())
    two = [THREE_EXPERTS[0], [[np.nan] * 3], THREE_EXPERTS[2]]
    odds = np.array([0.6 * 0.5, 0.3 * 0.4, 0.1 * 0.1]) / prior
    assert combine("product", two)[0] == pytest.approx(odds / odds.sum())


def test_product_of_labels_by_hand() -> None:
    prior = np.array(TARGETS["multilabel"][0].prior)
    p, q = np.array([0.8, 0.3]), np.array([0.6, 0.9])
    yes, no = p * q / prior, (1 - p) * (1 - q) / (1 - prior)
    assert combine("product", [[p], [q]], "multilabel")[0] == pytest.approx(yes / (yes + no))


def test_maximum_by_hand() -> None:
    assert combine("maximum", THREE_EXPERTS)[0] == pytest.approx(np.array([0.6, 0.5, 0.3]) / 1.4)
    labels = combine("maximum", [[[0.8, 0.3]], [[0.6, 0.9]]], "multilabel")
    assert labels[0] == pytest.approx([0.8, 0.9])


def test_majority_by_hand() -> None:
    votes, mean = np.array([2, 1, 0]), np.array([1.3 / 3, 0.4, 0.5 / 3])
    assert combine("majority", THREE_EXPERTS)[0] == pytest.approx((votes + mean) / 4)
    tie = combine("majority", [[[0.9, 0.1, 0.0]], [[0.4, 0.6, 0.0]]])
    assert tie[0] == pytest.approx([(1 + 0.65) / 3, (1 + 0.35) / 3, 0])  # the surer one wins
    three = [[[0.51, 0.9]], [[0.52, 0.1]], [[0.1, 0.2]]]
    assert ((combine("majority", three, "multilabel") >= 0.5) == [[True, False]]).all()
    numbers = [[[1.0]], [[5.0]], [[100.0]], [[np.nan]]]
    assert combine("majority", numbers, "regress").item() == 5


def test_weighted_by_hand() -> None:
    combiner = Weighted(TWO)
    combiner.weights = np.array([0.5, 0.3, 0.2])
    scores = np.array(THREE_EXPERTS)
    assert combiner.combine(scores)[0, 0] == pytest.approx(0.5 * 0.6 + 0.3 * 0.2 + 0.2 * 0.5)
    scores[0] = np.nan
    assert combiner.combine(scores)[0, 0] == pytest.approx((0.3 * 0.2 + 0.2 * 0.5) / 0.5)
    combiner.weights = np.array([1.0, 0.0, 0.0])  # only those of weight zero are there
    assert combiner.combine(scores)[0] == pytest.approx([0.35, 0.45, 0.2])


def test_blend_starts_from_the_best_and_leaves_out_what_does_not_help() -> None:
    target, scores, truth = experts("regress")
    blend = Blend(target)
    blend.fit(scores[[3, 0]], truth)
    assert blend.weights.tolist() == [0, 1]
    blend.fit(np.stack([truth + 3, truth - 1]), truth)  # 1/4 and 3/4 are exact
    assert blend.weights == pytest.approx([0.25, 0.75])


def test_stacking_learns_what_no_weight_can() -> None:
    """An expert that is always wrong, in the same way."""
    target, _, truth = experts("classify")
    rotated = 0.9 * np.roll(truth, 1, axis=1) + 0.1 / 3
    stacking = Stacking(target)
    stacking.fit(rotated[None], truth)
    combined = stacking.combine(rotated[None])
    assert (combined.argmax(axis=1) == truth.argmax(axis=1)).all()


@pytest.mark.parametrize("kind", TARGETS)
def test_stacking_takes_the_others_where_an_expert_is_absent(kind) -> None:
    """With equal weights, one expert alone is then what it says, not half of it."""
    target, scores, _ = experts(kind)
    scores = scores[:2].clip(1e-3, None)
    if kind == "multilabel":
        scores = scores.clip(None, 1 - 1e-3)
    if kind == "classify":
        scores = scores / scores.sum(axis=2, keepdims=True)
    scores[1] = np.nan
    assert Stacking(target).combine(scores) == pytest.approx(scores[0])
