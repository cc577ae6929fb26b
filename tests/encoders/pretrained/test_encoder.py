from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch

from plait.data.audio import Sound
from plait.encoders.pretrained.config import PretrainedConfig
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.fewer import fewer
from plait.errors import ModelError
from plait.types import Features

TEXTS = [f"{a} {b} on the {c}" for a in ("a red", "the") for b in ("cup", "dog", "cat")
         for c in ("table", "sofa", "sky")]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("bert", "vit", "clip", "wav2vec2"):
        made_models.MAKERS[name](folder / name)
    return folder


def text(home: Path, **settings: object) -> Pretrained:
    config = PretrainedConfig(width=6, **settings)  # type: ignore[arg-type]
    return Pretrained("text", str(home / "bert"), config, 8, 30.0)


def fitted(encoder: Pretrained, values: list[object]) -> tuple[Pretrained, list[object]]:
    samples = [encoder.preprocess(value) for value in values]
    encoder.fit(samples, np.zeros((len(values), 1)), seed=0)
    return encoder.eval(), samples  # type: ignore[return-value]


def test_components_of_the_vectors(home: Path) -> None:
    encoder, samples = fitted(text(home), [*TEXTS])
    found = encoder([*samples, None])
    assert encoder.width == 6
    assert found.pooled.shape == (19, 6)
    assert found.present.tolist() == [True] * 18 + [False]
    assert found.tokens.shape == (19, 1, 6)


def test_tokens_where_they_are_asked_for(home: Path) -> None:
    encoder, samples = fitted(text(home, tokens=3), [*TEXTS])
    found = encoder([None, *samples])
    assert found.tokens.shape == (19, 3, 6)
    assert found.tokens[1:].abs().sum(dim=2).min() > 0
    plain, own = fitted(text(home), [*TEXTS])
    torch.testing.assert_close(found.pooled[1:], plain(own).pooled)


def test_tokens_of_pictures_keep_their_place(home: Path) -> None:
    config = PretrainedConfig(width=8, tokens=5)
    encoder = Pretrained("image", str(home / "clip"), config, 8, 30.0)
    random = np.random.default_rng(0)
    pictures = [[random.integers(0, 256, (32, 32, 3), dtype=np.uint8)] for _ in range(10)]
    encoder, samples = fitted(encoder, [*pictures])
    found = encoder(samples)
    assert found.place is not None
    assert found.place.shape == (10, 4, 2)  # two by two: no more than five
    corners = torch.cartesian_prod(*[torch.tensor([0.25, 0.75])] * 2)
    torch.testing.assert_close(found.place[3], corners)


def test_tokens_of_sounds_keep_their_time(home: Path) -> None:
    config = PretrainedConfig(width=4, tokens=4)
    encoder = Pretrained("audio", str(home / "wav2vec2"), config, 8, 30.0)
    random = np.random.default_rng(0)
    sounds = [Sound(random.normal(size=16000 * s).astype(np.float32), 16000) for s in (1, 2, 2, 1)]
    encoder, samples = fitted(encoder, [*sounds])
    found = encoder(samples)
    assert found.time is not None
    torch.testing.assert_close(
        found.time[0], torch.tensor([0.125, 0.375, 0.625, 0.875]), atol=0.03, rtol=0
    )


def test_state_is_small_and_whole(home: Path) -> None:
    encoder, samples = fitted(text(home, tokens=3), [*TEXTS])
    state = encoder.state_dict()
    assert sum(v.numel() for v in state.values() if isinstance(v, torch.Tensor)) < 1000
    other = text(home, tokens=3)
    other.load_state_dict(state)
    torch.testing.assert_close(other.eval()(samples).tokens, encoder(samples).tokens)


def test_another_network_is_refused(home: Path, tmp_path: Path) -> None:
    encoder, _ = fitted(text(home), [*TEXTS])
    torch.manual_seed(1)
    other = Pretrained(
        "text", str(made_models.decoder(tmp_path / "other")), encoder.config, 8, 30.0
    )
    other.load_state_dict(encoder.state_dict())
    with pytest.raises(ModelError, match=r"fitted on vectors of another network than .*other"):
        other.identity  # noqa: B018


def test_what_the_vectors_depend_on(home: Path) -> None:
    plain = text(home)
    assert text(home).identity == plain.identity
    for settings in ({"tokens": 3}, {"prompt": "a photo of "}, {"longest_text": 5}):
        assert text(home, **settings).identity != plain.identity
    assert replace(plain.config, width=5) != plain.config
    sound, shorter = (
        Pretrained("audio", str(home / "wav2vec2"), PretrainedConfig(), 8, s) for s in (30.0, 5.0)
    )
    assert sound.identity != shorter.identity


def test_a_kind_without_networks(home: Path) -> None:
    encoder = Pretrained("series", str(home / "vit"), PretrainedConfig(), 8, 30.0)
    with pytest.raises(ModelError, match="A pretrained network for series is not known"):
        encoder.backbone  # noqa: B018


def test_nothing_to_learn_from(home: Path) -> None:
    encoder = text(home)
    encoder.fit([None, None], np.zeros((2, 1)), seed=0)
    assert encoder([None, None]).pooled.shape == (2, 1)


def test_fewer_tokens_are_means_of_neighbours() -> None:
    tokens = torch.arange(24.0).view(1, 12, 2)
    features = Features.of_tokens(tokens, torch.ones(1, 12).bool())
    found = fewer(features, 4)
    torch.testing.assert_close(found.tokens, tokens.view(1, 4, 3, 2).mean(dim=2))
    assert fewer(features, 12) is features
    uneven = fewer(features, 5).tokens
    assert uneven.shape == (1, 5, 2)
    assert uneven.isfinite().all()
