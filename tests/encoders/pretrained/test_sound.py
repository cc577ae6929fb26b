from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

from plait.data.audio import Sound
from plait.encoders.pretrained.runtime import converted
from plait.encoders.pretrained.sound import SoundBackbone
from plait.errors import ModelError

RATE = {"clap": 48_000}


def sounds(rate: int) -> list[Sound]:
    random, times = np.random.default_rng(2), np.arange(3 * rate) / rate
    tones = [np.sin(2 * np.pi * pitch * times) for pitch in (220, 440)]
    return [
        Sound((0.3 * tone[:length] + 0.05 * random.normal(size=length)).astype(np.float32), rate)
        for tone, length in zip(tones, (rate, 2 * rate), strict=True)
    ]


def vectors(backbone: SoundBackbone, heard: list[Sound]) -> torch.Tensor:
    with torch.no_grad():
        return backbone([backbone.prepare(sound) for sound in heard]).pooled


@torch.no_grad()
def reference(folder: Path, sound: Sound) -> torch.Tensor:
    """Return the vector of one sound, by transformers alone."""
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    own = extractor(sound.samples, sampling_rate=sound.rate, return_tensors="pt")
    model = AutoModel.from_pretrained(folder).eval()
    match folder.name:
        case "clap":
            seen = model.audio_model(input_features=own["input_features"]).pooler_output
            return torch.nn.functional.normalize(model.audio_projection(seen), dim=-1)
        case "ast":
            return model(own["input_values"]).pooler_output
        case "whisper":  # a frame every 20 ms, of which those behind the sound are silence
            hidden = model.encoder(own["input_features"]).last_hidden_state
            return hidden[:, : round(sound.seconds / 0.02)].mean(dim=1)
    return model(own["input_values"]).last_hidden_state.mean(dim=1)


@pytest.mark.parametrize("family", ["whisper", "wav2vec2", "ast", "clap"])
@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_vectors_are_those_of_transformers(tmp_path: Path, family: str) -> None:
    folder = made_models.MAKERS[family](tmp_path / family)
    heard = sounds(RATE.get(family, 16_000))
    found = vectors(SoundBackbone(folder), heard)
    wanted = torch.cat([reference(folder, sound) for sound in heard])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert (found[0] - found[1]).abs().max() > 1e-3


@pytest.mark.parametrize("family", ["whisper", "wav2vec2", "ast", "clap"])
@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_compiled_networks_hear_the_same(tmp_path: Path, family: str) -> None:
    """Also in batches and sounds of other sizes than those they were compiled with."""
    rate = RATE.get(family, 16_000)
    backbone = SoundBackbone(made_models.MAKERS[family](tmp_path / family))
    heard = [sound for sound in sounds(rate) for _ in range(3)]
    wanted = vectors(backbone, heard)
    with torch.no_grad():
        example = [backbone.prepare(sound) for sound in sounds(rate)[:1] * 2]
        backbone.set_precision("float32", example)
    assert backbone._compiled is not None
    torch.testing.assert_close(vectors(backbone, heard), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_a_network_whose_course_depends_on_its_batch_is_left_to_torch(tmp_path: Path) -> None:
    """CLAP with fusion looks up which sounds are long: compiled, that is those of the example."""
    backbone = SoundBackbone(made_models.clap(tmp_path / "clap", fused=True))
    heard = [backbone.prepare(sound) for sound in sounds(48_000)]
    assert converted(backbone.tower, backbone.inputs(heard)) is not None
    with torch.no_grad():
        backbone.set_precision("float32", heard)
    assert backbone._compiled is None


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_wave_does_not_depend_on_its_batch(tmp_path: Path, norm: str) -> None:
    backbone = SoundBackbone(made_models.wav2vec2(tmp_path / "wav2vec2", norm))
    together = vectors(backbone, sounds(16_000))
    alone = torch.cat([vectors(backbone, [sound]) for sound in sounds(16_000)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", ["whisper", "wav2vec2", "ast", "clap"])
@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_tokens_have_their_times(tmp_path: Path, family: str) -> None:
    backbone = SoundBackbone(made_models.MAKERS[family](tmp_path / family))
    with torch.no_grad():
        found = backbone([backbone.prepare(sound) for sound in sounds(16_000)])
    assert found.time is not None
    for row, seconds in enumerate((1.0, 2.0)):
        own = found.time[row][found.mask[row]]
        longest = min(seconds, 1.28) if family == "ast" else seconds  # its window
        assert longest - 0.3 < own.max() <= longest
        assert 0 <= own.min() < 0.15


def test_other_rates_are_brought_to_the_models(tmp_path: Path) -> None:
    backbone = SoundBackbone(made_models.whisper(tmp_path / "whisper"))
    one, other = (vectors(backbone, sounds(rate)[:1]) for rate in (16_000, 32_000))
    assert torch.nn.functional.cosine_similarity(one, other) > 0.98


def test_very_short_sounds_are_filled_up(tmp_path: Path) -> None:
    backbone = SoundBackbone(made_models.wav2vec2(tmp_path / "wav2vec2"))
    found = vectors(backbone, [Sound(np.full(20, 0.1, np.float32), 16_000)])
    assert found.isfinite().all()


def test_only_the_first_seconds_are_heard(tmp_path: Path) -> None:
    folder = made_models.wav2vec2(tmp_path / "wav2vec2")
    short = SoundBackbone(folder, longest=0.5)
    assert len(short.prepare(sounds(16_000)[1])[0]) == 8000


def test_an_image_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reads pixel_values, not sounds"):
        SoundBackbone(made_models.vit(tmp_path / "vit"))


def test_a_model_without_preparation_is_refused(tmp_path: Path) -> None:
    folder = made_models.wav2vec2(tmp_path / "wav2vec2")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="does not say how sounds are prepared"):
        SoundBackbone(folder)
