"""Every key of the settings of drawing has the effect that its name says; no step is taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawer_settings import SIDE, small

import plait
from plait import FitConfig
from plait.drawer import learning
from plait.drawer.canvas import square
from plait.drawer.drawer import Drawer
from plait.drawing.config import DrawingConfig
from plait.progress import Progress
from plait.tasks.draw_config import DrawConfig
from plait.train import loop
from plait.train.config import TrainConfig
from plait.train.record import Track

QUIET = Progress(show=False)


@pytest.fixture(scope="module")
def seen(pictures: Path) -> Callable[[FitConfig], tuple[Drawer, TrainConfig, Any]]:
    """Give the model of some settings, the settings of its training and its lesson."""

    def look(config: FitConfig) -> tuple[Drawer, TrainConfig, Any]:
        asked: list[Any] = []

        def train(network: Any, lesson: Any, settings: TrainConfig, *rest: Any) -> None:
            asked.append((settings, lesson))

        table = plait.read(str(pictures)).take(range(30))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "train", train)
            patch.setattr(learning, "judged", lambda *_: {})
            model = learning.draw(table, "picture:image", modalities={"name": "text"},
                                  config=config, progress=QUIET)  # fmt: skip
        return model, *asked[0]

    return look


def keys(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_keys_are_all_known() -> None:
    """What is tested here, and elsewhere: a new key is noticed."""
    here = {"side", "patch", "width", "layers", "heads", "dropout", "unconditioned", "fit",
            "samples", "every", "judged", "judge", "drawing"}  # fmt: skip
    assert keys(DrawConfig) - here == {"autoencoder", "network"}  # in tests/diffusion
    drawn = {"steps", "guidance", "sampler", "strength", "seed", "batch_size"}
    assert keys(DrawingConfig) == drawn  # in test_drawer.py and tests/drawing


def test_keys_of_the_network(seen: Any) -> None:
    config = small(draw__side=16, draw__patch=4, draw__width=40, draw__layers=3, draw__heads=5,
                   draw__dropout=0.3, draw__unconditioned=0.4)  # fmt: skip
    model, _, lesson = seen(config)
    flow = model.task.flow
    assert flow.shape == (3, 16, 16)
    assert lesson.target.shape[1:] == (3, 16, 16)
    assert (flow.patch, flow.positions.shape) == (4, (16, 40))
    assert (len(flow.blocks), flow.blocks[0].attention.heads) == (3, 5)
    assert flow.blocks[0].attention.dropout == flow.blocks[0].hidden[2].share == 0.3
    assert model.task.unconditioned == 0.4
    assert model.task.drawing == config.draw.drawing


def test_keys_of_training(seen: Any) -> None:
    _, settings, _ = seen(small(drawing__average=0.77, drawing__learning_rate=0.123))
    assert (settings.average, settings.learning_rate) == (0.77, 0.123)
    own = FitConfig().drawing
    assert own.validation_share == 0.0  # so that the last weights are kept
    assert own.average > 0.9


def test_fit_of_other_shapes() -> None:
    wide = np.zeros((10, 20, 3), np.uint8)
    cut, put = (square(wide, DrawConfig(side=8, fit=fit)) for fit in ("crop", "pad"))
    assert cut.max() == 0
    assert put.max() == 255


def test_samples_and_every(seen: Any, pictures: Path, tmp_path: Path) -> None:
    from PIL import Image

    from plait.making.material import Request, gather
    from plait.types import Modality

    config = small(draw__samples=2, draw__every=3)
    model, _, _ = seen(config)
    kept = learning.Squares(config.draw)
    request = Request("picture:image", Modality.IMAGE, {"name": "text"}, (), None,
                      lambda *_: kept.keep)  # fmt: skip
    material, parted = gather(plait.read(str(pictures)).take(range(30)), request,
                              lambda sources: dict(model.encoders), config, QUIET)  # fmt: skip
    squares = np.stack(material.values)
    own = learning.Pictures(material, squares, model.canvas, parted)
    grow = learning._growing(model, own, Track(tmp_path))

    class Course:
        epochs, training = 100, [0.5]

        class average:  # noqa: N801
            in_place = staticmethod(lambda: torch.no_grad())

    for epoch in range(1, 8):
        Course.epoch = epoch  # type: ignore[attr-defined]
        grow(Course)
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["epoch-000003.png", "epoch-000006.png"]
    with Image.open(tmp_path / "samples" / names[0]) as strip:
        assert strip.width == 7 * 16 + 2 * (3 * SIDE + 6)  # 24 pixels are shown as 72


def test_judged_and_judge(drawer: Drawer, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    compared = learning.compared

    def look(learned: Any, real: Any, drawn: Any, judge: str, progress: Progress) -> Any:
        asked.append((len(drawn), judge))
        return compared(learned, real, drawn, "classical", progress)

    monkeypatch.setattr(learning, "compared", look)
    monkeypatch.setattr(loop, "train", lambda *_: None)
    table = plait.read(str(pictures)).take(range(60))
    learning.draw(table, "picture:image", modalities={"name": "text"}, progress=QUIET,
                  config=small(draw__judged=5, draw__judge="some/model"))  # fmt: skip
    assert asked == [(5, "some/model")]


def test_what_predict_takes_when_nothing_is_said(drawer: Drawer) -> None:
    asked: list[Any] = []

    def drawn(self: Drawer, rows: Any, seeds: Any, config: DrawingConfig, *rest: Any) -> Any:
        asked.append((list(seeds), config))
        return [None] * len(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawer, "drawn", drawn)
        drawer.predict({"name": ["a", "b"]}, QUIET, watermark=False)
    assert asked == [([0, 1], drawer.config.draw.drawing)]
