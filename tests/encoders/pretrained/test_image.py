from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModel

from plait.encoders.pretrained.image import ImageBackbone
from plait.errors import ModelError

FAMILIES = ["vit", "dinov2", "dinov3", "convnext", "mobilenet", "clip", "siglip"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("models")
    for name in FAMILIES:
        made_models.MAKERS[name](home / name)
    return home


def pictures() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 256, size, dtype=np.uint8)
            for size in ((50, 70, 3), (90, 40, 3), (64, 64, 3))]  # fmt: skip


def reference(folder: Path, pixels: torch.Tensor) -> torch.Tensor:
    """Return the vectors that the models' authors use, by transformers alone."""
    model = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        match folder.name:
            case "clip":
                seen = model.vision_model(pixel_values=pixels).pooler_output
                return model.visual_projection(seen)
            case "siglip":
                return model.vision_model(pixel_values=pixels).pooler_output
            case "vit":
                return model(pixel_values=pixels).last_hidden_state[:, 0]
            case "convnext" | "mobilenet":
                hidden = model(pixel_values=pixels).last_hidden_state.mean(dim=(2, 3))
                return model.layernorm(hidden) if folder.name == "convnext" else hidden
        return model(pixel_values=pixels).pooler_output


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "dinov3"])
def test_vectors_are_those_of_transformers(models: Path, family: str) -> None:
    processor = AutoImageProcessor.from_pretrained(models / family, backend="pil")
    pixels = processor(pictures(), return_tensors="pt")["pixel_values"]
    backbone = ImageBackbone(models / family)
    backbone.pixels.processor = processor  # the same pixels for both; their own test is below
    with torch.no_grad():
        found = backbone([backbone.prepare([picture]) for picture in pictures()]).pooled
    torch.testing.assert_close(found, reference(models / family, pixels), atol=1e-5, rtol=1e-5)
    assert found.std(dim=0).mean() > 0.01


def test_dinov3_needs_no_torchvision(models: Path) -> None:
    """Its processor rescales, resizes real numbers with antialiasing, and normalises."""
    mean, spread = (torch.tensor(made_models.IMAGENET[k]).view(3, 1, 1) for k in ("mean", "std"))
    pixels = torch.stack([
        (torch.nn.functional.interpolate(
            torch.from_numpy(p).permute(2, 0, 1)[None] / 255, (32, 32), mode="bilinear",
            antialias=True)[0] - mean) / spread
        for p in pictures()
    ])  # fmt: skip
    backbone = ImageBackbone(models / "dinov3")
    with torch.no_grad():
        found = backbone([backbone.prepare([picture]) for picture in pictures()])
    torch.testing.assert_close(
        found.pooled, reference(models / "dinov3", pixels), atol=1e-5, rtol=1e-5
    )
    assert found.tokens.shape == (3, 16, 32)  # neither the class token nor the registers


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_lie_on_the_grid(models: Path, family: str) -> None:
    backbone = ImageBackbone(models / family)
    with torch.no_grad():
        found = backbone([backbone.prepare([picture]) for picture in pictures()])
    assert found.place is not None
    side = round(found.tokens.shape[1] ** 0.5)
    assert side**2 == found.tokens.shape[1] > 1
    assert found.place.shape == (3, side**2, 2)
    torch.testing.assert_close(found.place[0, 0], torch.full((2,), 0.5 / side))
    assert found.mask.all()


@pytest.mark.parametrize("family", ["vit", "dinov3", "convnext", "clip"])
def test_a_place_is_where_its_pixels_are(models: Path, family: str) -> None:
    """What changes in the lower left corner of a picture changes the tokens there most."""
    backbone = ImageBackbone(models / family)
    size = 64 if family == "convnext" else 32
    plain = np.full((size, size, 3), 128, np.uint8)
    marked = plain.copy()
    marked[-size // 8 :, : size // 8] = 255
    with torch.no_grad():
        one, other = (backbone([backbone.prepare([p])]) for p in (plain, marked))
    assert one.place is not None
    change = (one.tokens - other.tokens).norm(dim=2)[0]
    half = 0.5 / one.tokens.shape[1] ** 0.5
    assert one.place[0, change.argmax()].tolist() == pytest.approx([1 - half, half])


def test_several_pictures_are_averaged(models: Path) -> None:
    backbone = ImageBackbone(models / "vit")
    first, second, _ = pictures()
    with torch.no_grad():
        both, alone = (backbone([backbone.prepare(own)]) for own in ([first, second], [first]))
        other = backbone([backbone.prepare([second])])
    torch.testing.assert_close(both.pooled, (alone.pooled + other.pooled) / 2)
    assert both.tokens.shape[1] == 2 * alone.tokens.shape[1]


def test_a_text_model_is_refused(tmp_path: Path) -> None:
    folder = made_models.bert(tmp_path / "bert")
    made_models.pictures(folder, "ViTImageProcessor", size=made_models.SQUARE)
    with pytest.raises(ModelError, match="reads input_ids, not pictures"):
        ImageBackbone(folder)


def test_a_model_without_preparation_is_refused(tmp_path: Path) -> None:
    folder = made_models.vit(tmp_path / "vit")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="does not say how pictures are prepared"):
        ImageBackbone(folder)
