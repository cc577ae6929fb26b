from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor

from plait.encoders.pretrained.pixels import BICUBIC, LANCZOS, Pixels, Steps, resize
from plait.errors import CellError, ModelError

FAMILIES = ["vit", "dinov2", "convnext", "mobilenet", "clip", "siglip"]


def picture(height: int, width: int) -> np.ndarray:
    """Return a picture with edges, shades and noise."""
    random = np.random.default_rng(height)
    shades = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3))
    shades[height // 3 : height // 2, width // 4 : width // 2] = (255, 0, 40)
    return (shades + random.normal(0, 12, shades.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(375, 500), (48, 64), (15, 20), (33, 301)])
def test_steps_are_the_processors(tmp_path: Path, family: str, size: tuple[int, int]) -> None:
    """At most two levels of 255 at any pixel, and a fiftieth of one in the mean."""
    folder = made_models.MAKERS[family](tmp_path / family)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    wanted = torch.from_numpy(processor([picture(*size)], return_tensors="np")["pixel_values"])
    pixels = Pixels(folder)
    assert pixels.processor is None, "plait's own steps were not taken"
    found = pixels.normalise(pixels.prepare([picture(*size)]))
    assert pixels.steps is not None
    apart = (found - wanted).abs() * torch.tensor(pixels.steps.spread).view(1, 3, 1, 1) * 255
    assert apart.max() < 2.01
    assert apart.mean() < 0.02


def test_tall_pictures_differ_at_hard_edges_alone(tmp_path: Path) -> None:
    """Pillow 13 takes rows first there; the bound that `TOLERANCE` states."""
    folder = made_models.siglip(tmp_path / "siglip")
    processor, tall = AutoImageProcessor.from_pretrained(folder, backend="pil"), picture(301, 33)
    wanted = torch.from_numpy(processor([tall], return_tensors="np")["pixel_values"])
    pixels = Pixels(folder)
    apart = (pixels.normalise(pixels.prepare([tall])) - wanted).abs() * 0.5 * 255
    assert apart.max() < 16
    assert apart.mean() < 0.3


def test_other_processors_are_used_as_they_are(tmp_path: Path) -> None:
    folder = made_models.vit(tmp_path / "vit")
    made_models.pictures(folder, "ViTImageProcessor", size=made_models.SQUARE, do_rescale=False)
    pixels = Pixels(folder)
    assert pixels.processor is not None
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    wanted = processor([picture(40, 50)], return_tensors="np")["pixel_values"]
    np.testing.assert_array_equal(pixels.prepare([picture(40, 50)]), wanted)


def test_a_processor_that_needs_torchvision_is_named(tmp_path: Path) -> None:
    folder = made_models.vit(tmp_path / "vit")
    made_models.pictures(folder, "Llama4ImageProcessorFast", size=made_models.SQUARE)
    with pytest.raises(ModelError, match="prepared by Llama4ImageProcessorFast, which needs torch"):
        Pixels(folder)


def test_a_line_is_no_picture() -> None:
    steps = Steps(32, None, (32, 32), BICUBIC, 1 / 255, (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(CellError, match="is 4000x2 pixels, too narrow"):
        steps.apply(np.zeros((2, 4000, 3), np.uint8))


def test_filters_that_torch_lacks_are_pillows() -> None:
    from PIL import Image

    pixels = picture(40, 60)
    found = resize(torch.from_numpy(pixels).permute(2, 0, 1), (16, 24), LANCZOS)
    wanted = Image.fromarray(pixels).resize((24, 16), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(found.permute(1, 2, 0).numpy(), np.asarray(wanted))
