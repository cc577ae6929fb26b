"""The hidden maps of pretrained networks, beside those that transformers gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_models import bert, convnext, dinov2, mobilenet, naflex, vit

from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.pyramid import PretrainedPyramid
from plait.encoders.pretrained.weights import load_network
from plait.errors import ModelError


def made(folder: Path, side: int, way: str = "none") -> PretrainedPyramid:
    pyramid = PretrainedPyramid(str(folder), side, 24, FineTuneConfig(way=way, rate=1e-3))  # type: ignore[arg-type]
    pyramid.fit([], np.zeros((0, 1)), 0)
    return pyramid


def sample(pyramid: PretrainedPyramid) -> np.ndarray:
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    return pyramid.preprocess([picture])


@pytest.mark.parametrize("make", [mobilenet, convnext])
def test_maps_of_convolutional_networks(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = make(tmp_path)
    pyramid = made(folder, 64).eval()
    one = sample(pyramid)
    maps = pyramid.scales([one])
    sizes = [m.shape[-1] for m in maps]
    assert sizes == sorted(set(sizes), reverse=True)
    assert len(maps) > 1
    assert pyramid.widths == tuple(m.shape[1] for m in maps)
    network = load_network(folder).eval()
    pixels = pyramid.steps.normalise(torch.from_numpy(one).permute(0, 3, 1, 2))
    with torch.no_grad():
        output = network(pixel_values=pixels, output_hidden_states=True)
    expected = {state.shape[-1]: state for state in output.hidden_states}
    expected[output.last_hidden_state.shape[-1]] = output.last_hidden_state
    for own in maps:
        assert torch.allclose(own, expected[own.shape[-1]], atol=1e-5)


@pytest.mark.parametrize("make", [vit, dinov2])
def test_patches_are_a_map_at_any_size(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = make(tmp_path)
    patch = load_network(folder).config.patch_size
    side = 32 * patch // np.gcd(32, patch)
    pyramid = made(folder, side).eval()
    one = sample(pyramid)
    (own,) = pyramid.scales([one])
    assert own.shape[2:] == (side // patch, side // patch)
    assert pyramid.finest == patch
    pixels = pyramid.steps.normalise(torch.from_numpy(one).permute(0, 3, 1, 2))
    with torch.no_grad():
        hidden = load_network(folder).eval()(
            pixel_values=pixels, interpolate_pos_encoding=True
        ).last_hidden_state if make is vit else load_network(folder).eval()(
            pixel_values=pixels
        ).last_hidden_state  # fmt: skip
    cells = hidden[:, hidden.shape[1] - own[0, 0].numel() :]
    assert torch.allclose(own.flatten(2).transpose(1, 2), cells, atol=1e-5)


def test_weights_stay_or_learn(tmp_path: Path) -> None:
    folder = mobilenet(tmp_path)
    frozen, learns = made(folder, 64), made(folder, 64, "all")
    assert not frozen.rates()
    assert not any(p.requires_grad for p in frozen.backbone.parameters())
    assert learns.rates()
    one = sample(learns)
    learns.train()
    features = learns([one])
    assert features.maps is not None
    sum(m.sum() for m in features.maps.scales).backward()
    assert all(p.grad is not None for p in learns.rates())
    assert not any(m.training for m in learns.modules() if isinstance(m, torch.nn.BatchNorm2d))


def test_words_have_no_maps(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reads input_ids, not pictures"):
        made(bert(tmp_path), 64)


def test_networks_without_maps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leaves no maps of a picture of 64x64 pixels"):
        made(naflex(tmp_path), 64)
