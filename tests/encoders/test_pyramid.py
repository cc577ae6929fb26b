"""Maps at several scales: shapes, tokens, missing pictures, and what passes a fusion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.encoders.pyramid import ResidualPyramid
from plait.encoders.trained import TrainedConfig
from plait.errors import CellError
from plait.fusion.fusion import FusionConfig
from plait.fusion.tokens import TokenFusion
from plait.fusion.towers import SideBySide

SIDE = 64


@pytest.fixture
def pyramid() -> ResidualPyramid:
    made = ResidualPyramid(SIDE, TrainedConfig(width=32, layers=1, dropout=0.0))
    made.fit([], np.zeros((0, 1)), 0)
    return made.eval()


def samples(pyramid: ResidualPyramid, count: int = 3) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [pyramid.preprocess([random.integers(0, 256, (40, 90, 3), dtype=np.uint8)])
            for _ in range(count)]  # fmt: skip


def test_maps_are_finest_first_and_the_coarsest_are_tokens(pyramid: ResidualPyramid) -> None:
    features = pyramid(samples(pyramid))
    assert features.maps is not None
    assert [tuple(m.shape) for m in features.maps.scales] == [
        (3, 8, 32, 32), (3, 8, 16, 16), (3, 16, 8, 8), (3, 32, 4, 4),
    ]  # fmt: skip
    assert pyramid.widths == (8, 8, 16, 32)
    cells = features.maps.scales[-1].flatten(2).transpose(1, 2)
    assert torch.allclose(features.tokens, pyramid.map(cells))
    assert features.place is not None
    assert features.place[0, 0].tolist() == [0.125, 0.125]


def test_a_row_without_a_picture_has_maps_of_zeros(pyramid: ResidualPyramid) -> None:
    (one,) = samples(pyramid, 1)
    features = pyramid([None, one])
    assert features.mask.any(dim=1).tolist() == [False, True]
    assert features.maps is not None
    for scale in features.maps.scales:
        own = features.maps.by_row(scale)
        assert not own[0].any()
        assert own[1].any()


def test_maps_pass_by_a_fusion(pyramid: ResidualPyramid) -> None:
    features = pyramid(samples(pyramid))
    fusion: TokenFusion = SideBySide({"photo": 32, "word": 32}, FusionConfig(width=32))
    other = features.take(torch.arange(3))
    joined = fusion({"photo": features, "word": type(other).of_vectors(other.pooled)})
    assert joined.maps is not None
    assert features.maps is not None
    assert joined.maps is features.maps


def test_weights_come_from_the_seed() -> None:
    def weights(seed: int) -> torch.Tensor:
        made = ResidualPyramid(SIDE, TrainedConfig(width=32, layers=1))
        made.fit([], np.zeros((0, 1)), seed)
        return torch.cat([p.flatten() for p in made.parameters()])

    assert weights(1).equal(weights(1))
    assert not weights(1).equal(weights(2))


def test_one_picture_a_row(pyramid: ResidualPyramid) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(CellError, match="answered in pixels, and there are 2 here"):
        pyramid.preprocess([picture, picture])
