"""The precision of a network, chosen on the user's own rows."""

from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest
from encoders.pretrained.test_int8 import REAL

import plait
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.embedding import embed_rows
from plait.encoders.pretrained.config import PretrainedConfig
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.int8 import has_int8
from plait.encoders.pretrained.runtime import AGREEMENT
from plait.errors import ConfigError
from plait.layers import has_bfloat16
from plait.precision import CALIBRATED, TRIED, sampled
from plait.store import Store
from plait.types import Column, Modality

CELLS = [f"{a} {b} on the {c} no {n}" for n in range(16)
         for a in ("a red", "the", "blue small and large") for b in ("cup", "dog", "cat")
         for c in ("table", "sofa", "sky")]  # fmt: skip

pytestmark = pytest.mark.skipif(
    not (has_int8() and has_bfloat16()), reason="no NNCF, or a processor without int8 and bfloat16"
)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_models.bert(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(autouse=True)
def int8_pays_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.precision.INT8_WORTH", 400)


def embed(
    folder: Path,
    store: Store | None,
    cells: list[str] = CELLS,
    encoder: Pretrained | None = None,
    **settings: object,
) -> tuple[Pretrained, np.ndarray]:
    config = PretrainedConfig(**settings)  # type: ignore[arg-type]
    encoder = encoder or Pretrained("text", str(folder), config, 8, 30.0)
    source = Source("it", "text", (Column("it", Modality.TEXT),))
    reader = Reader(Table.of({"it": list(cells)}), Ledger())
    found = embed_rows(reader, source, encoder, store, lambda done: None)
    return encoder, np.stack([sample[0] for sample in found if sample is not None])


def test_auto_takes_the_first_that_agrees(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """int8, then bfloat16, then float32; each with the figures of all that were tried."""
    monkeypatch.setattr("plait.precision.AGREEMENT", 0.9)
    first, vectors = embed(bert, Store(tmp_path / "1", 10**8))
    assert (first.precision, list(first.agreements)) == ("int8", ["int8"])
    between = (first.agreement + 1) / 2  # int8 is further from float32 than bfloat16 is
    monkeypatch.setattr("plait.precision.AGREEMENT", between)
    second, _ = embed(bert, Store(tmp_path / "2", 10**8))
    assert (second.precision, second.calibration) == ("bfloat16", "")
    assert second.agreements["int8"] < between <= second.agreements["bfloat16"]
    monkeypatch.setattr("plait.precision.AGREEMENT", 1.1)
    third, exact = embed(bert, Store(tmp_path / "3", 10**8))
    assert third.precision == "float32"
    assert list(third.agreements) == ["int8", "bfloat16"]
    assert third.remark == (
        f"computed in float32; mean cosine with float32: int8 {third.agreements['int8']:.5f}, "
        f"bfloat16 {third.agreements['bfloat16']:.5f}"
    )
    cosine = (vectors * exact).sum(1) / np.linalg.norm(vectors, axis=1)
    assert np.abs(vectors - exact).max() > 0
    assert (cosine / np.linalg.norm(exact, axis=1)).mean() > 0.98


def test_a_choice_is_remembered_for_these_rows(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same table does not load the network again."""
    monkeypatch.setattr("plait.precision.AGREEMENT", 0.9)
    store = Store(tmp_path, 10**8)
    first, vectors = embed(bert, store)
    second, again = embed(bert, store)
    assert "backbone" not in vars(second)
    assert second.identity == first.identity
    assert second.agreements == first.agreements
    np.testing.assert_array_equal(again, vectors)


def test_a_graph_serves_the_next_table_where_it_agrees(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a table that grew finds its vectors; one that the graph does not fit has its own."""
    monkeypatch.setattr("plait.precision.AGREEMENT", 0.9)
    store = Store(tmp_path, 10**8)
    first, vectors = embed(bert, store)
    new = [f"other {text}" for text in CELLS]
    grown, again = embed(bert, store, CELLS + new)
    assert (grown.precision, grown.identity) == ("int8", first.identity)
    assert grown.agreements != first.agreements  # it was tried on rows of its own
    np.testing.assert_array_equal(again[: len(CELLS)], vectors)
    monkeypatch.setattr("plait.precision.AGREEMENT", 1.1)
    own, _ = embed(bert, store, new, precision="int8")
    assert own.precision == "int8"
    assert own.calibration != first.calibration
    assert embed(bert, store, new[:200], precision="int8")[0].calibration != own.calibration


def test_int8_by_name(bert: Path, tmp_path: Path) -> None:
    """It is taken whatever it agrees to, for short tables and without a cache too."""
    encoder, _ = embed(bert, None, CELLS[:20], precision="int8", cache=False)
    assert encoder.precision == "int8"
    assert 0.9 < encoder.agreement < 1
    assert encoder.remark.startswith("computed in int8; mean cosine with float32: int8 0.9")


def test_without_a_cache_auto_makes_no_int8(bert: Path) -> None:
    """Nothing would keep its calibration for the model that learns from it."""
    assert embed(bert, None, cache=False)[0].precision == "bfloat16"


def fitted(bert: Path, store: Store) -> tuple[Pretrained, np.ndarray]:
    encoder, vectors = embed(bert, store, precision="int8")
    encoder.fit([(vector,) for vector in vectors], np.zeros((len(vectors), 1)), 0)
    other = Pretrained("text", str(bert), PretrainedConfig(), 8, 30.0)
    other.load_state_dict(encoder.state_dict())
    return other, vectors


def test_a_fitted_encoder_computes_the_same_integers(bert: Path, tmp_path: Path) -> None:
    """Also of few rows, and of rows that were not seen before."""
    store = Store(tmp_path, 10**8)
    encoder, vectors = fitted(bert, store)
    _, again = embed(bert, store, CELLS[:7], encoder)
    np.testing.assert_array_equal(again, vectors[:7])
    new = [f"new {text}" for text in CELLS[:7]]
    _, one = embed(bert, store, new, encoder)
    fresh, _ = fitted(bert, store)
    _, other = embed(bert, None, new, fresh)
    assert fresh.precision == "float32"  # no store, no calibration
    assert one.shape == other.shape
    assert np.abs(one - other).max() > 0


def test_without_its_calibration_it_computes_in_float32_and_says_so(
    bert: Path, tmp_path: Path
) -> None:
    encoder, vectors = fitted(bert, Store(tmp_path / "one", 10**8))
    exact = embed(bert, None, CELLS[:7], precision="float32")[1]
    _, found = embed(bert, Store(tmp_path / "another machine", 10**8), CELLS[:7], encoder)
    np.testing.assert_allclose(found, exact, atol=1e-5)
    figure = encoder.agreements["int8"]
    assert encoder.remark == (
        "learned from int8, whose calibration is not in the cache of this machine; "
        f"computed in float32 (mean cosine of both: int8 {figure:.5f})"
    )
    assert figure > 0.9
    assert np.abs(vectors[:7] - exact).max() > 0


def test_a_calibration_that_was_pushed_out_is_made_again(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.precision.AGREEMENT", 0.9)
    store = Store(tmp_path, 10**8)
    first, _ = embed(bert, store)
    monkeypatch.setattr("plait.precision._graph_key", lambda name: b"gone" + name.encode())
    second, _ = embed(bert, store)
    assert "backbone" in vars(second)
    assert second.precision == first.precision == "int8"


def test_a_calibration_that_goes_while_it_is_needed_is_said(bert: Path, tmp_path: Path) -> None:
    store = Store(tmp_path, 10**8)
    first, _ = embed(bert, store, precision="int8")
    encoder, _ = embed(bert, store, precision="int8")
    assert "backbone" not in vars(encoder)  # all vectors are there, and the graph is not read
    assert encoder.calibration == first.calibration
    store.clear()
    with pytest.raises(ConfigError, match="was cleared from the cache while it was needed. Run"):
        encoder.embed([encoder.backbone.prepare("new")])


def test_rows_that_are_looked_at() -> None:
    assert len(sampled(10_000)) == TRIED + CALIBRATED
    assert sampled(10_000)[[0, -1]].tolist() == [0, 9_999]
    assert sampled(3).tolist() == [0, 1, 2]
    assert sampled(1).tolist() == sampled(0).tolist() == [0]


def test_sounds_stay_in_float32(tmp_path: Path) -> None:
    made_models.MAKERS["wav2vec2"](tmp_path / "wav2vec2")
    config = PretrainedConfig(precision="int8", cache=False)
    encoder = Pretrained("audio", str(tmp_path / "wav2vec2"), config, 8, 1.0)
    table = Table.of({"it": [{"array": np.ones(16000, np.float32), "sampling_rate": 16000}] * 2})
    source = Source("it", "audio", (Column("it", Modality.AUDIO),))
    embed_rows(Reader(table, Ledger()), source, encoder, None, lambda done: None)
    assert encoder.precision == "float32"
    assert encoder.remark == "this network cannot run in int8; computed in float32"


def test_auto_judges_int8_by_real_weights(tmp_path: Path) -> None:
    """By the threshold that users have, on 1,906 names of emoji."""
    if REAL is None:
        pytest.skip("no real weights: run benchmarks/weights.py")
    names = [str(name) for name in plait.datasets.load("emoji").values("name")]
    encoder, _ = embed(REAL, Store(tmp_path, 10**9), names)
    figure = encoder.agreements["int8"]
    assert figure > 0.998
    assert encoder.precision == ("int8" if figure >= AGREEMENT else "bfloat16")
    assert encoder.agreement >= AGREEMENT
