"""Networks in int8, beside themselves in float32."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch

import plait
from plait.encoders.pretrained.backbone import Towered
from plait.encoders.pretrained.image import ImageBackbone
from plait.encoders.pretrained.int8 import (
    calibrated,
    has_int8,
    name_of,
    narrowing,
    opened,
    require_int8,
)
from plait.encoders.pretrained.runtime import agreement, converted
from plait.encoders.pretrained.text import TextBackbone
from plait.errors import MissingExtraError

TEXTS = [f"{a} {b} on the {c}" for a in ("a red", "the", "blue small and large")
         for b in ("cup", "dog", "cat") for c in ("table", "sofa", "sky")]  # fmt: skip

needs_int8 = pytest.mark.skipif(not has_int8(), reason="no NNCF, or no int8 in the processor")


@pytest.fixture(autouse=True)
def no_more_threads_than_one() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


def backbone(name: str, folder: Path) -> tuple[Towered, list[tuple[np.ndarray, ...]]]:
    made = made_models.MAKERS[name](folder / name)
    if name == "bert":
        text = TextBackbone(made)
        return text, [text.prepare(words) for words in TEXTS]
    image, random = ImageBackbone(made), np.random.default_rng(0)
    pictures = [random.integers(0, 256, (40, 50, 3), dtype=np.uint8) for _ in range(24)]
    return image, [image.prepare([picture]) for picture in pictures]


@needs_int8
@pytest.mark.parametrize("name", ["vit", "clip", "convnext", "bert"])
def test_int8_is_near_float32(tmp_path: Path, name: str) -> None:
    """Also for batches and lengths of other sizes than those it learned its ranges from."""
    own, samples = backbone(name, tmp_path)
    with torch.no_grad():
        exact = own(samples[:11]).pooled
        graph = own.calibrate(samples[11:])
        assert graph is not None
        own.set_precision("int8", graph=graph)
        found = own(samples[:11]).pooled
        torch.testing.assert_close(own(samples[:1]).pooled, found[:1], atol=0.05, rtol=0.05)
    assert (found - exact).abs().max() > 0
    assert agreement(found, exact) > 0.98


@needs_int8
def test_a_graph_gives_the_same_numbers_again(tmp_path: Path) -> None:
    own, samples = backbone("bert", tmp_path)
    graph = own.calibrate(samples)
    assert graph is not None
    copy = (graph[0].copy(), graph[1].copy())
    assert name_of(copy) == name_of(graph)
    copy[1][-1] ^= 1
    assert name_of(copy) != name_of(graph)
    inputs = own.inputs(samples[:5])
    torch.testing.assert_close(opened(graph)(*inputs), opened(graph)(*inputs), atol=0, rtol=0)


@needs_int8
def test_layers_that_narrow_are_left_out(tmp_path: Path) -> None:
    own, samples = backbone("bert", tmp_path)
    model = converted(own.tower, own.inputs(samples[:2]))
    names = narrowing(model)
    layers = own.tower.network.config.num_hidden_layers  # type: ignore[union-attr]
    assert len(names) == layers > 0
    assert all(".output.dense" in name and "attention" not in name for name in names)


@needs_int8
def test_nothing_is_drawn(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own, samples = backbone("vit", tmp_path)
    assert own.calibrate(samples) is not None
    assert "Quant" not in capfd.readouterr().out


def test_what_openvino_does_not_have_has_no_int8(tmp_path: Path) -> None:
    text = TextBackbone(made_models.MAKERS["decoder"](tmp_path / "decoder"))
    assert text.calibrate([text.prepare(words) for words in TEXTS[:4]]) is None


@needs_int8
def test_graphs_too_large_to_keep_are_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, samples = backbone("bert", tmp_path)
    monkeypatch.setattr("plait.encoders.pretrained.int8.LARGEST", 1000)
    assert own.calibrate(samples) is None


@pytest.mark.parametrize("name", ["nncf", "openvino"])
def test_what_to_install(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    wanted = r"precision='int8' needs OpenVINO and NNCF: pip install 'plait\[int8\]'"
    with pytest.raises(MissingExtraError, match=wanted):
        require_int8()
    with pytest.raises(MissingExtraError, match=wanted):
        calibrated(None, [])
    with pytest.raises(MissingExtraError, match=wanted):
        opened((np.zeros(0, np.uint8), np.zeros(0, np.uint8)))


def real_minilm() -> Path | None:
    """Return the folder of the real MiniLM, if this machine has it."""
    home = os.environ.get("PLAIT_MODELS") or Path(__file__).parents[3] / "build" / "models"
    folder = Path(home) / "all-MiniLM-L6-v2"
    return folder if (folder / "model.safetensors").is_file() else None


REAL = real_minilm()


@needs_int8
@pytest.mark.skipif(REAL is None, reason="no real weights: run benchmarks/weights.py")
def test_int8_agrees_on_real_weights() -> None:
    """On names of emoji that it did not learn its ranges from."""
    assert REAL is not None
    own = TextBackbone(REAL)
    names = plait.datasets.load("emoji").values("name")[::10]
    samples = [own.prepare(str(name)) for name in names]
    with torch.no_grad():
        exact = own(samples[::3]).pooled
        graph = own.calibrate([s for n, s in enumerate(samples) if n % 3][:64])
        assert graph is not None
        own.set_precision("int8", graph=graph)
        found = own(samples[::3]).pooled
    assert agreement(found, exact) > 0.998
    assert torch.nn.functional.cosine_similarity(found, exact).min() > 0.98
