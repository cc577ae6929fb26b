from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch

from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.embedding import embed_rows
from plait.encoders.pretrained.backbone import Towered
from plait.encoders.pretrained.config import PretrainedConfig
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.image import ImageBackbone
from plait.encoders.pretrained.runtime import agreement, converted
from plait.encoders.pretrained.text import TextBackbone
from plait.layers import has_bfloat16
from plait.store import Store
from plait.types import Column, Modality

TEXTS = [f"{a} {b} on the {c}" for a in ("a red", "the", "blue small and large")
         for b in ("cup", "dog", "cat") for c in ("table", "sofa", "sky")]  # fmt: skip


@pytest.fixture(autouse=True)
def no_more_threads_than_one() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


def backbone(name: str, folder: Path) -> tuple[Towered, list[tuple[np.ndarray, ...]]]:
    made = made_models.MAKERS[name](folder / name)
    if name in ("bert", "t5", "clap", "decoder"):
        text = TextBackbone(made)
        return text, [text.prepare(words) for words in TEXTS[:7]]
    image, random = ImageBackbone(made), np.random.default_rng(0)
    pictures = [random.integers(0, 256, (40, 50, 3), dtype=np.uint8) for _ in range(7)]
    return image, [image.prepare([picture]) for picture in pictures]


@pytest.mark.parametrize("name", ["vit", "dinov3", "convnext", "clip", "siglip", "bert", "t5"])
def test_compiled_networks_give_the_same(tmp_path: Path, name: str) -> None:
    """Also for batches and lengths of other sizes than those they were compiled with."""
    own, samples = backbone(name, tmp_path)
    with torch.no_grad():
        wanted = own(samples)
        own.set_precision("float32", samples[:2])
        assert own._compiled is not None
        found = own(samples)
    torch.testing.assert_close(found.pooled, wanted.pooled, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.tokens, wanted.tokens, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("compile", [False, True])
def test_bfloat16_is_near(tmp_path: Path, compile: bool) -> None:
    own, samples = backbone("vit", tmp_path)
    with torch.no_grad():
        exact = own(samples).pooled
        own.set_precision("bfloat16", samples[:2] if compile else ())
        found = own(samples).pooled
    assert found.dtype == torch.float32
    if not compile or has_bfloat16():
        assert (found - exact).abs().max() > 0
    assert agreement(found, exact) > 0.995


def test_what_cannot_be_compiled_is_run_by_torch(tmp_path: Path) -> None:
    own, samples = backbone("decoder", tmp_path)
    with torch.no_grad():
        wanted = own(samples).pooled
        own.set_precision("float32", samples)
        assert own._compiled is None
        torch.testing.assert_close(own(samples).pooled, wanted)


def test_without_openvino_torch_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, samples = backbone("vit", tmp_path)
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert converted(own.tower, own.inputs(samples)) is None
    with torch.no_grad():
        own.set_precision("float32", samples)
        assert own(samples).pooled.isfinite().all()


def test_openvino_is_kept_from_reporting() -> None:
    """It would tell its makers of every import, unless the package that does so is not there."""
    script = (
        "import sys; from plait.encoders.pretrained.runtime import import_openvino as get; get();"
        "import openvino.tools.ovc.telemetry_utils as own; print(own.tm.__name__)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "openvino.tools.ovc.telemetry_stub"


def embed(folder: Path, store: Store) -> Pretrained:
    encoder = Pretrained("text", str(folder), PretrainedConfig(), 8, 30.0)
    cells = [f"{text} no {n}" for n in range(16) for text in TEXTS]
    reader = Reader(Table.of({"it": cells}), Ledger())
    source = Source("it", "text", (Column("it", Modality.TEXT),))
    embed_rows(reader, source, encoder, store, lambda done: None)
    return encoder


@pytest.mark.skipif(not has_bfloat16(), reason="the processor has no bfloat16")
def test_a_precision_is_chosen_by_the_users_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And remembered: the second run does not load the network."""
    folder = made_models.bert(tmp_path / "bert")
    monkeypatch.setattr("plait.precision.AGREEMENT", 0.9)
    first = embed(folder, Store(tmp_path / "one", 10**8))
    assert first.precision == "bfloat16"
    assert 0.9 < first.agreement < 1
    second = embed(folder, Store(tmp_path / "one", 10**8))
    assert (second.precision, second.agreement) == (first.precision, first.agreement)
    assert "backbone" not in vars(second)
    monkeypatch.setattr("plait.precision.AGREEMENT", 1.1)
    third = embed(folder, Store(tmp_path / "other", 10**8))
    assert third.precision == "float32"
    assert third.agreements["bfloat16"] < 1.1
    assert third.remark.startswith("computed in float32; mean cosine with float32: bfloat16 ")


def test_short_tables_stay_in_float32(tmp_path: Path) -> None:
    encoder = Pretrained(
        "text", str(made_models.bert(tmp_path / "bert")), PretrainedConfig(), 8, 30.0
    )
    reader = Reader(Table.of({"it": TEXTS}), Ledger())
    source = Source("it", "text", (Column("it", Modality.TEXT),))
    embed_rows(reader, source, encoder, None, lambda done: None)
    assert encoder.precision == "float32"
    assert isinstance(encoder.backbone, Towered)
    assert encoder.backbone._compiled is None


def test_a_fitted_encoder_keeps_its_precision(tmp_path: Path) -> None:
    config = PretrainedConfig(precision="bfloat16")
    folder = str(made_models.bert(tmp_path / "bert"))
    encoder = Pretrained("text", folder, config, 8, 30.0)
    encoder.fit([encoder.preprocess(text) for text in TEXTS], np.zeros((27, 1)), 0)
    other = Pretrained("text", folder, PretrainedConfig(), 8, 30.0)
    other.load_state_dict(encoder.state_dict())
    assert other.precision == "bfloat16"
    assert other.identity == encoder.identity
