from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from made_media import moving, video_file
from transformers import AutoModel, Siglip2ImageProcessorPil

from plait.data.video import read_video
from plait.encoders.pretrained.image import image_backbone
from plait.encoders.pretrained.naflex import NaFlexBackbone
from plait.encoders.pretrained.text import TextBackbone
from plait.encoders.pretrained.video import video_backbone


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_models.naflex(tmp_path_factory.mktemp("models") / "naflex")


def pictures() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 256, size, dtype=np.uint8)
            for size in ((50, 70, 3), (120, 30, 3), (64, 64, 3))]  # fmt: skip


@torch.no_grad()
def test_vectors_are_those_of_transformers(folder: Path) -> None:
    inputs = Siglip2ImageProcessorPil.from_pretrained(folder)(pictures(), return_tensors="pt")
    wanted = AutoModel.from_pretrained(folder).eval().get_image_features(**inputs).pooler_output
    backbone = image_backbone(folder)
    assert isinstance(backbone, NaFlexBackbone)
    found = backbone([backbone.prepare([picture]) for picture in pictures()])
    torch.testing.assert_close(found.pooled, wanted, atol=1e-5, rtol=1e-5)
    assert found.pooled.std(dim=0).mean() > 0.01


@torch.no_grad()
def test_tokens_lie_on_the_grid_of_their_own_picture(folder: Path) -> None:
    backbone = NaFlexBackbone(folder)
    found = backbone([backbone.prepare([picture]) for picture in pictures()])
    assert found.mask.sum(dim=1).tolist() == [20, 16, 16]  # 4 rows of 5, 8 of 2, 4 of 4
    assert found.place is not None
    torch.testing.assert_close(found.place[1, 0], torch.tensor([1 / 16, 1 / 4]))
    assert not found.tokens[~found.mask].any()


@torch.no_grad()
def test_several_pictures_are_averaged(folder: Path) -> None:
    backbone = NaFlexBackbone(folder)
    first, second, third = pictures()
    found = backbone([backbone.prepare(own) for own in ([first, second], [third])])
    alone = [backbone([backbone.prepare([own])]) for own in (first, second, third)]
    torch.testing.assert_close(found.pooled[0], (alone[0].pooled + alone[1].pooled)[0] / 2)
    torch.testing.assert_close(found.pooled[1], alone[2].pooled[0])
    torch.testing.assert_close(found.tokens[0, 20:36], alone[1].tokens[0])
    assert found.mask.sum(dim=1).tolist() == [36, 16]


@torch.no_grad()
def test_torch_runs_it(folder: Path) -> None:
    """Compiled, it would see every picture on the grid of the example."""
    backbone = NaFlexBackbone(folder)
    samples = [backbone.prepare([picture]) for picture in pictures()]
    wanted = backbone(samples).pooled
    backbone.set_precision("float32", samples)
    assert backbone._compiled is None
    torch.testing.assert_close(backbone(samples).pooled, wanted)
    assert backbone.calibrate(samples) is None


@torch.no_grad()
def test_words_are_read_by_the_same_model(folder: Path) -> None:
    words = ["a red cup", "the dog on the sofa"]
    text = TextBackbone(folder)
    found = text([text.prepare(own) for own in words]).pooled
    inputs = text.tokenizer(words, padding="max_length", max_length=text.most, return_tensors="pt")
    model = AutoModel.from_pretrained(folder).eval()
    wanted = model.get_text_features(input_ids=inputs["input_ids"]).pooler_output
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_frames_of_videos_are_seen_by_it(folder: Path) -> None:
    video, image = read_video(video_file(moving(24, 1))), image_backbone(folder)
    backbone = video_backbone(folder, 3)
    found = backbone([backbone.prepare(video)])
    frames = list(video.clip(3, 512).frames)
    torch.testing.assert_close(found.tokens[0], image([image.prepare([f]) for f in frames]).pooled)
    assert found.time is not None
    assert found.time[0].diff().min() > 0
