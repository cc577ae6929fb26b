"""Spaces of joint models as they are and learned further; networks trained on inside a space."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from PIL import Image

import plait
from plait.encoders.config import choose_encoders, fine_tuned
from plait.errors import ConfigError, ModelError
from plait.progress import Progress
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import Align, AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 40, 220)}
SIZES = {"small": 10, "large": 26}
MORE = ["dog", "cat", "on", "the", "table", "sofa", "photo", "of", "and", "in", "sky"]
SAID = {"photo": "image", "words": "text"}
SHORT = TrainConfig(epochs=12, least_steps=100, batch_size=32, learning_rate=3e-3, patience=12,
                    modality_dropout=0.0)  # fmt: skip


def scenes(rows: int = 96) -> dict[str, list[object]]:
    """Return pictures of small and large coloured squares, and what they are called."""
    random = np.random.default_rng(0)
    photos, words = [], []
    for _ in range(rows):
        colour, size = random.choice(list(COLOURS)), random.choice(list(SIZES))
        pixels = random.integers(90, 160, (32, 32, 3), dtype=np.uint8)
        top, left = random.integers(0, 33 - SIZES[size], 2)
        pixels[top : top + SIZES[size], left : left + SIZES[size]] = COLOURS[colour]
        photos.append(Image.fromarray(pixels))
        more = random.choice(MORE, 3)
        words.append(f"a {size} {colour} thing {' '.join(more)}")
    return {"photo": photos, "words": words}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_models.clip(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture(scope="module")
def config(clip: Path) -> AlignConfig:
    encoders = choose_encoders([f"image={clip}", f"text={clip}"])
    return AlignConfig(
        encoders=encoders, train=SHORT, tuned=replace(SHORT, epochs=2, least_steps=8)
    )


def learned(config: AlignConfig, **more: object) -> Space:
    return plait.align(
        scenes(), "photo", "words", modalities=SAID, config=config, progress=QUIET, **more
    )


@pytest.fixture(scope="module")
def as_is(config: AlignConfig) -> Space:
    return learned(replace(config, as_is=True))


@torch.no_grad()
def own_vectors(clip: Path, rows: dict[str, list[object]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors that transformers gives, of length 1."""
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(clip).eval()
    pixels = AutoImageProcessor.from_pretrained(clip, backend="pil")(
        rows["photo"], return_tensors="pt"
    )
    texts = AutoTokenizer.from_pretrained(clip)(rows["words"], padding=True, return_tensors="pt")
    photos = model.get_image_features(**pixels).pooler_output
    words = model.get_text_features(
        input_ids=texts["input_ids"], attention_mask=texts["attention_mask"]
    ).pooler_output
    normal = torch.nn.functional.normalize
    return normal(photos).numpy(), normal(words).numpy()


def test_a_joint_model_as_it_is_gives_its_own_vectors(as_is: Space, clip: Path) -> None:
    rows = scenes(9)
    photos, words = own_vectors(clip, rows)
    np.testing.assert_allclose(as_is.vectors(rows, "words"), words, atol=1e-5)
    np.testing.assert_allclose(as_is.vectors(rows, "photo"), photos, atol=2e-3)  # of the pixels
    assert np.ptp(words, axis=0).max() > 0.01


def test_it_takes_over_the_scale(as_is: Space, clip: Path) -> None:
    from transformers import AutoModel

    task = as_is.network.task
    assert isinstance(task, Align)
    own = AutoModel.from_pretrained(clip).logit_scale.item()
    assert task.log_scale.item() == pytest.approx(own)
    assert own != pytest.approx(-np.log(AlignTaskConfig().temperature))


def test_a_space_as_it_is_is_saved(as_is: Space, tmp_path: Path) -> None:
    as_is.save(tmp_path / "space")
    again, rows = plait.load(tmp_path / "space"), scenes(5)
    for group in SAID:
        np.testing.assert_array_equal(again.vectors(rows, group), as_is.vectors(rows, group))
    assert "before" not in again.facts


def test_learning_begins_in_the_space_of_the_joint_model(config: AlignConfig) -> None:
    space = learned(config)
    before, after = (
        {one["query"]: one["scores"]["recall@1"]["value"] for one in space.facts[part]}
        for part in ("before", "retrieval")
    )
    assert after["photo"] >= before["photo"]
    assert 0.0 <= space.facts["kept"]["maps"] <= 1.0
    assert space.config.task.width == 20  # that of the model


@pytest.mark.parametrize("way", ["lora", "all"])
def test_networks_are_trained_on_and_come_back(
    config: AlignConfig, way: str, tmp_path: Path, as_is: Space
) -> None:
    space = learned(replace(config, encoders=fine_tuned(config.encoders, way)))
    assert set(space.facts["kept"]) == {"maps", "networks"}
    rows = scenes(7)
    assert not np.allclose(space.vectors(rows, "photo"), as_is.vectors(rows, "photo"), atol=1e-3)
    space.save(tmp_path / "space")
    again = plait.load(tmp_path / "space")
    for group in SAID:
        np.testing.assert_array_equal(again.vectors(rows, group), space.vectors(rows, group))
    half = {"words": rows["words"]}
    np.testing.assert_array_equal(again.vectors(half, "words"), space.vectors(rows, "words"))


def test_trained_weights_that_are_missing_are_told(config: AlignConfig, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = learned(replace(config, as_is=True)).save(tmp_path / "space")
    weights = load_file(folder / "weights.safetensors")
    gone = next(name for name in weights if name.startswith("network/fusion"))
    save_file({k: v for k, v in weights.items() if k != gone}, folder / "weights.safetensors")
    with pytest.raises(ModelError, match="The model's weights lack 'fusion"):
        plait.load(folder)


def test_what_is_not_joint_cannot_be_taken_as_it_is(config: AlignConfig, tmp_path: Path) -> None:
    quick = AlignConfig(as_is=True)
    with pytest.raises(ConfigError, match="as_is takes the space that a joint model"):
        learned(quick)
    vit = made_models.vit(tmp_path / "vit")
    other = choose_encoders([f"image={vit}"], config.encoders)
    with pytest.raises(ConfigError, match="as_is takes the space that a joint model"):
        learned(replace(config, encoders=other, as_is=True))
    with pytest.raises(ConfigError, match="There is no pretrained network to fine-tune"):
        learned(replace(quick, as_is=False, encoders=fine_tuned(quick.encoders, "lora")))
