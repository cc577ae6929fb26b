"""Whole segmenters, beside transformers' own way from picture to mask."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import made_segmenters
import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from plait.encoders.pretrained.segmenters import Segmenter
from plait.encoders.pretrained.segmenting import Prompt
from plait.errors import CellError, ConfigError, ModelError

RNG = np.random.default_rng(6)

BY_CLASS = (
    "segformer", "upernet", "beit", "dpt", "deeplab", "mobilevit", "mask2former", "maskformer",
    "oneformer", "eomt",
)  # fmt: skip


def patches(high: int, wide: int) -> np.ndarray:
    """Return (high wide 3) uint8 of patches in many colours."""
    coarse = RNG.integers(0, 256, (-(-high // 8), -(-wide // 8), 3))
    return np.kron(coarse, np.ones((8, 8, 1)))[:high, :wide].astype(np.uint8)


PICTURES = [patches(70, 101), patches(90, 48)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = getattr(made_segmenters, name)(tmp_path_factory.mktemp(name))
        return made[name]

    return folder


def theirs(folder: Path, picture: np.ndarray) -> np.ndarray:
    """Return the mask that transformers makes of a picture."""
    from transformers import (
        AutoImageProcessor,
        AutoModelForSemanticSegmentation,
        AutoModelForUniversalSegmentation,
        AutoTokenizer,
    )

    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    semantic = name.endswith("SemanticSegmentation")
    kind = AutoModelForSemanticSegmentation if semantic else AutoModelForUniversalSegmentation
    network = kind.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    settings: dict[str, Any] = {}
    if name.startswith("Mobile"):
        settings = {"do_center_crop": False, "size": {"height": 64, "width": 64}}
    with torch.no_grad():
        if name.startswith("OneFormer"):
            tokens = AutoTokenizer.from_pretrained(folder)(
                "the task is semantic", padding="max_length", max_length=12, return_tensors="pt"
            )
            inputs = dict(processor(picture, ["semantic"], return_tensors="pt"))
            inputs["task_inputs"] = tokens["input_ids"] * tokens["attention_mask"]
        else:
            inputs = dict(processor(picture, return_tensors="pt", **settings))
        offsets = inputs.pop("patch_offsets", None)
        outputs = network(**inputs)
        if offsets is not None:
            outputs.patch_offsets = offsets
        if hasattr(outputs, "logits"):
            scores = interpolate(outputs.logits, picture.shape[:2], mode="bilinear")
            return scores[0].argmax(dim=0).numpy()
    (mask,) = processor.post_process_semantic_segmentation(outputs, [picture.shape[:2]])
    return mask.numpy()


@pytest.mark.parametrize("name", BY_CLASS)
def test_masks_of_classes_are_those_of_transformers(folders: Any, name: str) -> None:
    segmenter = Segmenter.load(folders(name))
    assert segmenter.asks_for == ""
    assert segmenter.classes.names == ("road", "sky", "car", "tree")
    assert segmenter.classes.values == (0, 1, 2, 3)
    assert len(set(segmenter.classes.colours)) == 4
    found = segmenter.predict(PICTURES)
    for picture, mask in zip(PICTURES, found, strict=True):
        assert mask.dtype == np.int32
        assert mask.shape == picture.shape[:2]
        assert (mask == theirs(folders(name), picture)).mean() > 0.999
    assert len({int(value) for mask in found for value in np.unique(mask)}) > 1


def test_a_mask_lies_over_the_whole_picture(folders: Any) -> None:
    """What is cut off by the processor of DeepLab would be missing at the edges."""
    segmenter = Segmenter.load(folders("deeplab"))
    picture = np.full((64, 160, 3), 30, np.uint8)
    other = picture.copy()
    other[:, :20] = (250, 10, 10)  # outside a square in the middle
    pixels = [segmenter.way.pixels(own) for own in (picture, other)]
    assert pixels[0].shape == (1, 3, 64, 64)
    assert (pixels[0] != pixels[1]).any()


def test_phrases_of_clipseg(folders: Any) -> None:
    from transformers import AutoImageProcessor, AutoTokenizer, CLIPSegForImageSegmentation

    folder = folders("clipseg")
    segmenter = Segmenter.load(folder)
    assert segmenter.asks_for == "phrases"
    assert segmenter.classes.names == ("background", "object")
    phrases = ["the red cup", "a dog on the sofa"]
    found = segmenter.predict(PICTURES, phrases, threshold=0.45)
    network = CLIPSegForImageSegmentation.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for picture, phrase, mask in zip(PICTURES, phrases, found, strict=True):
        with torch.no_grad():
            logits = network(
                pixel_values=processor(picture, return_tensors="pt")["pixel_values"],
                **{
                    k: v
                    for k, v in tokenizer(phrase, return_tensors="pt").items()
                    if "type" not in k
                },
            ).logits
        likely = interpolate(
            logits.sigmoid().reshape(1, 1, 32, 32), picture.shape[:2], mode="bilinear"
        )
        assert (mask == (likely[0, 0] > 0.45).numpy()).mean() > 0.99
        assert 0 < mask.mean() < 1
    other = segmenter.predict(PICTURES, phrases[::-1], threshold=0.45)
    assert (other[0] != found[0]).any()
    strict = segmenter.predict(PICTURES, phrases, threshold=0.6)
    assert strict[0].sum() < found[0].sum()


def test_phrases_of_sam_3(folders: Any) -> None:
    from transformers import AutoTokenizer, Sam3Model

    folder = folders("sam3")
    segmenter = Segmenter.load(folder)
    assert segmenter.asks_for == "phrases"
    (mask,) = segmenter.predict(PICTURES[:1], ["the red cup"])
    tokens = AutoTokenizer.from_pretrained(folder)("the red cup", return_tensors="pt")
    with torch.no_grad():
        outputs = Sam3Model.from_pretrained(folder).eval()(
            pixel_values=stretched(PICTURES[0], 56, [0.5] * 3, [0.5] * 3),
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"],
        )  # fmt: skip
    likely = interpolate(outputs.semantic_seg.sigmoid(), (70, 101), mode="bilinear")
    assert (mask == (likely[0, 0] > 0.5).numpy()).mean() > 0.99
    assert 0 < mask.mean() < 1


def stretched(
    picture: np.ndarray, side: int, mean: list[float], spread: list[float]
) -> torch.Tensor:
    """Return (1 3 side side), as the processors of the later SAMs say it."""
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None]
    sized = interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    own, by = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, spread))
    return (sized / 255 - own) / by


PROMPTS = {
    "a point": Prompt(((30, 40),)),
    "points": Prompt(((30, 40), (60, 10)), (True, False)),
    "a box": Prompt(box=(10, 5, 60, 50)),
    "both": Prompt(((30, 40),), box=(10, 5, 60, 50)),
}


@pytest.mark.parametrize(
    ("name", "case"), [*(("sam", case) for case in PROMPTS), ("sam_hq", "both")]
)
def test_prompts_of_sam(folders: Any, name: str, case: str) -> None:
    from transformers import AutoImageProcessor, AutoModelForMaskGeneration, SamProcessor

    folder, prompt = folders(name), PROMPTS[case]
    segmenter = Segmenter.load(folder)
    assert segmenter.asks_for == "prompts"
    (mask,) = segmenter.predict(PICTURES[:1], [prompt])
    processor = SamProcessor(AutoImageProcessor.from_pretrained(folder, backend="pil"))
    given: dict[str, Any] = {}
    if prompt.points:
        inside = prompt.inside or (True,) * len(prompt.points)
        given["input_points"] = [[[list(map(float, point)) for point in prompt.points]]]
        given["input_labels"] = [[[int(one) for one in inside]]]
    if prompt.box:
        given["input_boxes"] = [[list(map(float, prompt.box))]]
    inputs = processor(PICTURES[0], return_tensors="pt", **given)
    with torch.no_grad():
        outputs = AutoModelForMaskGeneration.from_pretrained(folder).eval()(
            **{k: v.float() if v.dtype == torch.float64 else v
               for k, v in inputs.items() if "sizes" not in k},
            multimask_output=case == "a point",
        )  # fmt: skip
    (masks,) = processor.image_processor.post_process_masks(
        outputs.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"]
    )
    best = int(outputs.iou_scores[0, 0].argmax())
    assert outputs.iou_scores.shape[-1] == (3 if case == "a point" else 1)
    assert (mask == masks[0, best].numpy()).mean() > 0.999
    assert 0 < mask.mean() < 1


@pytest.mark.parametrize("case", ["a point", "both"])
def test_prompts_of_sam_2(folders: Any, case: str) -> None:
    from transformers import Sam2Model

    folder, prompt = folders("sam2"), PROMPTS[case]
    segmenter = Segmenter.load(folder)
    assert segmenter.asks_for == "prompts"
    (mask,) = segmenter.predict(PICTURES[:1], [prompt])
    scale = np.array([64 / 101, 64 / 70])
    given: dict[str, Any] = {}
    if prompt.points:
        inside = prompt.inside or (True,)
        given["input_points"] = torch.tensor(np.array(prompt.points) * scale).float()[None, None]
        given["input_labels"] = torch.tensor([[[int(one) for one in inside]]])
    if prompt.box:
        given["input_boxes"] = torch.tensor(np.array(prompt.box) * np.tile(scale, 2)).float()[
            None, None
        ]
    imagenet = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    with torch.no_grad():
        outputs = Sam2Model.from_pretrained(folder).eval()(
            pixel_values=stretched(PICTURES[0], 64, *imagenet),
            multimask_output=case == "a point", **given,
        )  # fmt: skip
    best = int(outputs.iou_scores[0, 0].argmax())
    sized = interpolate(outputs.pred_masks[:, 0, best][:, None], (70, 101), mode="bilinear")
    assert (mask == (sized[0, 0] > 0).numpy()).mean() > 0.99
    assert 0 < mask.mean() < 1


SCALES = {
    "segformer": [(8, 16, 16), (16, 8, 8), (24, 4, 4), (32, 2, 2)],
    "upernet": [(8, 16, 16), (12, 8, 8), (16, 4, 4), (24, 2, 2)],
    "deeplab": [(8, 16, 16), (64, 8, 8)],
    "mask2former": [(8, 16, 24), (16, 8, 12), (32, 4, 6), (64, 2, 3)],
}


@pytest.mark.parametrize("name", SCALES)
def test_maps_of_several_scales(folders: Any, name: str) -> None:
    segmenter = Segmenter.load(folders(name))
    two = [PICTURES[0], PICTURES[0][::-1]]
    maps = segmenter.maps(two)
    assert [tuple(own.shape) for own in maps] == [(2, *shape) for shape in SCALES[name]]
    assert not torch.allclose(maps[-1][0], maps[-1][1])
    alone = segmenter.maps(two[1:])
    assert torch.allclose(alone[0][0], maps[0][1], atol=1e-5)


def test_gradients_reach_the_backbone(folders: Any) -> None:
    segmenter = Segmenter.load(folders("segformer"))
    segmenter.network.requires_grad_(True)
    sum(own.square().mean() for own in segmenter.maps(PICTURES[:1])).backward()
    first = next(segmenter.network.parameters())
    assert first.grad is not None
    assert first.grad.abs().sum() > 0


def test_what_has_no_maps(folders: Any) -> None:
    with pytest.raises(ModelError, match="no maps of several scales; SegFormer and UperNet have"):
        Segmenter.load(folders("dpt")).maps(PICTURES[:1])
    with pytest.raises(ModelError, match="makes masks of what it is asked for, not maps"):
        Segmenter.load(folders("clipseg")).maps(PICTURES[:1])
    with pytest.raises(CellError, match="several sizes, and this network keeps proportions"):
        Segmenter.load(folders("mask2former")).maps(PICTURES)


def test_asked_in_another_way(folders: Any) -> None:
    classes, phrases, prompts = (
        Segmenter.load(folders(n)) for n in ("segformer", "clipseg", "sam")
    )
    with pytest.raises(ConfigError, match="names its own 4 classes and takes no phrases"):
        classes.predict(PICTURES, ["a", "b"])
    with pytest.raises(ConfigError, match="needs a phrase .--phrase. for each picture"):
        phrases.predict(PICTURES)
    with pytest.raises(ConfigError, match="needs a phrase .--phrase. for each picture"):
        phrases.predict(PICTURES[:1], [Prompt(((1, 1),))])
    with pytest.raises(
        ConfigError, match="needs a prompt with points or a box .--point, --box. for each"
    ):
        prompts.predict(PICTURES[:1], ["the cup"])
    with pytest.raises(ConfigError, match="2 pictures, but 1 phrases; give one for each"):
        phrases.predict(PICTURES, ["the cup"])
    with pytest.raises(ConfigError, match="threshold is 1, expected a number between 0 and 1"):
        phrases.predict(PICTURES[:1], ["the cup"], threshold=1)
    assert classes.predict([]) == []


def test_phrases_that_say_nothing_or_too_much(folders: Any) -> None:
    segmenter = Segmenter.load(folders("clipseg"))
    with pytest.raises(CellError, match="the phrase is empty"):
        segmenter.predict(PICTURES[:1], [" "])
    with pytest.raises(CellError, match="the phrase has 32 tokens, the network reads 24"):
        segmenter.predict(PICTURES[:1], ["the cup " * 15])


WRONG = {
    "nothing": (Prompt(), "has neither points nor a box"),
    "words": (Prompt(((1, 1),), (True, False)), "has 1 points, and 2 words on them"),
    "point": (Prompt(((1, 71),)), r"\(1, 71\) does not lie in the picture of 101x70 pixels"),
    "corner": (Prompt(box=(0, 0, 102, 10)), r"\(102, 10\) does not lie in the picture"),
    "box": (Prompt(box=(10, 0, 5, 10)), "a box is left, top, right, bottom, found"),
}


@pytest.mark.parametrize("case", WRONG)
def test_prompts_that_say_nothing(folders: Any, case: str) -> None:
    prompt, message = WRONG[case]
    with pytest.raises(CellError, match=message):
        Segmenter.load(folders("sam")).predict(PICTURES[:1], [prompt])


def test_what_is_no_segmenter(folders: Any, tmp_path: Path) -> None:
    shutil.copytree(folders("segformer"), tmp_path / "a")
    settings = json.loads((tmp_path / "a" / "config.json").read_text())
    own = {**settings, "architectures": ["SegformerModel"]}
    (tmp_path / "a" / "config.json").write_text(json.dumps(own))
    with pytest.raises(
        ModelError, match="is SegformerModel, which makes no masks. SegFormer, Uper"
    ):
        Segmenter.load(tmp_path / "a")
    shutil.copytree(folders("segformer"), tmp_path / "b")
    path = tmp_path / "b" / "preprocessor_config.json"
    own = {**json.loads(path.read_text()), "image_processor_type": "ViTImageProcessor"}
    path.write_text(json.dumps(own))
    with pytest.raises(ModelError, match="ViTImageProcessorPil of .* makes no masks of classes"):
        Segmenter.load(tmp_path / "b")
    shutil.copytree(folders("clipseg"), tmp_path / "c")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "c" / name).unlink()
    with pytest.raises(ModelError, match="has no vocabulary"):
        Segmenter.load(tmp_path / "c")
    with pytest.raises(ModelError, match="There is no model folder"):
        Segmenter.load(tmp_path / "d")
