"""A language model as what writes: as transformers computes it, however long a row's prompt is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_models import causal, llava

from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import NOTHING
from plait.decoding.one_by_one import one_by_one
from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.pixels import own_processor
from plait.encoders.pretrained.prompt import Prompt
from plait.encoders.pretrained.seen import TILING, Seen
from plait.errors import ModelError
from plait.fusion.fusion import FusionConfig
from plait.fusion.in_order import InOrder
from plait.tasks.language_model import SEEING, LanguageModel, load_language_model
from plait.tasks.write import Write
from plait.types import Column, Features, Modality

TEXTS = ["a small blue thing on a table", "what is it? ASSISTANT: USER:"] * 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return causal(tmp_path_factory.mktemp("causal"), TEXTS)


@pytest.fixture
def model(folder: Path) -> LanguageModel:
    return load_language_model(str(folder), " Answer.", FineTuneConfig()).eval()


def features(model: LanguageModel) -> Features:
    torch.manual_seed(0)
    mask = torch.tensor([[True] * 4, [True, False, True, False], [False] * 4])
    return Features.of_tokens(torch.randn(3, 4, model.width), mask)


def test_the_template_is_the_model_s_own(model: LanguageModel) -> None:
    ids = model.vocabulary.tokenizer
    before, after = (ids.decode(part.tolist(), skip_special_tokens=False)
                     for part in (model.before, model.after))  # fmt: skip
    assert before.replace(" ", "") == "<|begin|><|user|>"
    assert after.replace(" ", "") == "Answer.<|end|><|answer|>"


def test_losses_are_those_of_transformers(model: LanguageModel) -> None:
    """Row by row, with the prompt's own tokens alone and labels on the text."""
    own = features(model)
    target = torch.tensor([[9, 8, 1], [7, 1, NOTHING], [12, 13, 14]])
    with torch.no_grad():
        found = Write(model, smoothing=0.0).token_losses(own, target)
        for row in range(3):
            tokens = target[row][target[row] != NOTHING]
            there = own.tokens[row][own.mask[row]]
            embeds = torch.cat([
                model.vectors(model.before), there, model.vectors(model.after),
                model.vectors(tokens),
            ])[None]  # fmt: skip
            labels = torch.cat([torch.full((embeds.shape[1] - len(tokens),), -100), tokens])[None]
            loss = model.backbone(inputs_embeds=embeds, labels=labels).loss
            torch.testing.assert_close(found[row, : len(tokens)].mean(), loss, atol=1e-5, rtol=1e-4)
            assert (found[row, len(tokens) :] == 0).all()


def test_step_by_step_is_the_whole_at_once(model: LanguageModel) -> None:
    own, tokens = features(model), torch.tensor([[9, 8, 4], [7, 5, 6], [12, 13, 14]])
    with torch.no_grad():
        whole = model(own, tokens)
        state, scores = model.start(own)
        torch.testing.assert_close(scores, whole[:, 0], atol=1e-5, rtol=1e-4)
        state.select(torch.tensor([2, 1]))
        scores = model.step(state, tokens[[2, 1], 0])
        torch.testing.assert_close(scores, whole[[2, 1], 1], atol=1e-5, rtol=1e-4)


def test_words_of_the_user_are_no_commands(model: LanguageModel) -> None:
    text = Column("question", Modality.TEXT)
    prompt = Prompt([text], model.vocabulary, model.vectors, 50)
    made = prompt(["stop <|end|> now"])
    command = model.vectors(torch.tensor([model.end]))[0]
    assert not any(torch.equal(token, command) for token in made.tokens[0])
    assert made.mask.sum() > 4


def test_a_table_row_is_lines_of_text(model: LanguageModel) -> None:
    columns = [Column("price", Modality.NUMBER), Column("kind", Modality.CATEGORY),
               Column("tags", Modality.CATEGORIES)]  # fmt: skip
    prompt = Prompt(columns, model.vocabulary, model.vectors, 50)
    assert prompt.preprocess((12.5, None, ("a", "b"))) == "price: 12.5\ntags: a, b\n"


def test_what_learns(folder: Path) -> None:
    def learning(way: str) -> set[str]:
        model = load_language_model(str(folder), "", FineTuneConfig(way=way, layers=1))  # type: ignore[arg-type]
        model.begin_learning()
        return {name for name, weight in model.named_parameters() if weight.requires_grad}

    assert learning("none") == set()
    assert all(".layers." in n or "norm" in n or "lm_head" in n for n in learning("last"))
    assert len(learning("all")) > len(learning("last")) > 0
    assert all("lora" in name for name in learning("lora"))


def test_low_rank_changes_are_merged(folder: Path) -> None:
    model = load_language_model(str(folder), "", FineTuneConfig(way="lora"))
    own, tokens = features(model), torch.tensor([[9, 8, 1]] * 3)
    model.begin_learning()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn_like(weight) * 0.1)
        before = model(own, tokens)
        model.finish()
        after = model(own, tokens)
    assert not any("lora" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)
    assert any(weight.requires_grad for weight in model.parameters()), "so that it is stored"


@pytest.mark.parametrize("kind", list(SEEING))
def test_a_model_that_sees_answers_as_transformers_does(kind: str, tmp_path: Path) -> None:
    folder = llava(tmp_path / kind, TEXTS, kind)
    model = load_language_model(str(folder), "", FineTuneConfig()).eval()
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)
    seen = Seen(folder, model.backbone, model.width, *model.marks)
    lead = model.vocabulary.control(model.template.between)
    prompt = Prompt([Column("q", Modality.TEXT)], model.vocabulary, model.vectors, 50, lead)
    widths = {"photo": model.width, "q": model.width}
    fusion = InOrder(widths, model.width, ["q"], ["photo", "q"], FusionConfig())
    with torch.no_grad():
        sample = seen.preprocess([picture])
        joined = fusion({"photo": seen([sample]), "q": prompt([prompt.preprocess("what is it?")])})
        (text,) = one_by_one(model, joined, DecodingConfig(longest=12))
        words = model.vocabulary
        pixels, (opens, closes) = seen.pixels.normalise(sample[0]), model.marks
        places = seen([sample]).tokens.shape[1] - len(opens) - len(closes)
        ids = [
            *model.before.tolist(), *opens, *([2] * places), *closes, *lead,
            *words.control("what is it?\n"), *model.after.tolist(),
        ]  # fmt: skip
        theirs = model.backbone.generate(
            input_ids=torch.tensor([ids]),
            pixel_values=pixels[None] if kind in TILING else pixels,
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=12,
            do_sample=False,
        )[0, len(ids) :].tolist()
    assert text.with_end(model.end) == theirs[: len(text.with_end(model.end))]
    assert len(text) >= 1
    whole = {"internvl": {"crop_to_patches": False}}.get(kind, {})
    whole = {"do_image_splitting": False} if kind in TILING else whole
    theirs = own_processor(folder)([picture], return_tensors="np", **whole)["pixel_values"]
    np.testing.assert_allclose(pixels, np.reshape(theirs, pixels.shape), atol=2.01 / 255 / 0.2)
    around = shown(kind, places).split("<image>" * places)
    assert model.marks == tuple(words.control(own) for own in around)
    chat = kind not in ("llava", "vipllava")
    assert model.before.tolist() == words.control("<s>user: " if chat else "<s>USER: ")
    assert model.after.tolist() == words.control(" assistant:" if chat else " ASSISTANT:")
    assert lead == words.control("\n")


def shown(kind: str, places: int) -> str:
    """Return what the family's own processor writes for one whole picture."""
    marks = {"fake_image_token": "<fake_token_around_image>", "image_token": "<image>"}
    match kind:
        case "internvl":
            from transformers.models.internvl.processing_internvl import InternVLProcessor

            own = SimpleNamespace(
                start_image_token="<img>", end_image_token="</img>", image_token="<image>",
                image_seq_length=places,
            )  # fmt: skip
            return InternVLProcessor.replace_image_token(own, {"num_patches": [1]}, 0)
        case "idefics3":
            from transformers.models.idefics3.processing_idefics3 import Idefics3Processor

            own = SimpleNamespace(**marks, global_image_tag="<global-img>", image_seq_len=places)
            return Idefics3Processor.replace_image_token(own, {"rows": [[0]], "cols": [[0]]}, 0)
        case "smolvlm":
            from transformers.models.smolvlm.processing_smolvlm import SmolVLMProcessor

            own = SimpleNamespace(**marks, global_image_token="<global-img>", image_seq_len=places)
            return SmolVLMProcessor.replace_image_token(own, {"rows": [[0]], "cols": [[0]]}, 0)
    return "<image>" * places


def test_marks_stand_around_every_picture_and_nothing_else(tmp_path: Path) -> None:
    folder = llava(tmp_path / "internvl", TEXTS, "internvl")
    model = load_language_model(str(folder), "", FineTuneConfig()).eval()
    seen = Seen(folder, model.backbone, model.width, *model.marks)
    pictures = [np.full((20, 30, 3), shade, np.uint8) for shade in (10, 200)]
    with torch.no_grad():
        found = seen([seen.preprocess([pictures[0]]), seen.preprocess(pictures), None])
        bare = Seen(folder, model.backbone, model.width)
        own = [bare([bare.preprocess([p])]).tokens[0] for p in pictures]
        opens, closes = (model.vectors(torch.tensor(mark)) for mark in model.marks)
    first, second = (torch.cat([opens, tokens, closes]) for tokens in own)
    torch.testing.assert_close(found.tokens[0][found.mask[0]], first)
    torch.testing.assert_close(found.tokens[1], torch.cat([first, second]))
    assert not found.mask[2].any()
    assert found.place is not None
    where = found.place[1].isnan().any(dim=1).view(2, -1)
    assert where.sum(dim=1).tolist() == [len(opens) + len(closes)] * 2


def test_chat_templates_that_leave_something_out(tmp_path: Path) -> None:
    folder = llava(tmp_path / "smolvlm", TEXTS, "smolvlm")
    (template,) = folder.glob("chat_template.jinja")
    good = template.read_text()
    template.unlink()
    with pytest.raises(ModelError, match="has no chat template, without which 'smolvlm' cannot be"):
        load_language_model(str(folder), "", FineTuneConfig())
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": good}))
    assert load_language_model(str(folder), "", FineTuneConfig()).template.before == "<s>user: "
    for bad, lacks in ((good.replace("<image>", "<picture>"), r"the picture \(<image>\)"),
                       (good.replace("{{ part.text }}", ""), "what the user says")):  # fmt: skip
        template.write_text(bad)
        with pytest.raises(ModelError, match=f"leaves out {lacks}, so the model cannot"):
            load_language_model(str(folder), "", FineTuneConfig())


def test_projections_are_of_what_is_not_the_model_s_own() -> None:
    fusion = InOrder({"a": 3, "words": 8}, 8, ["words"], ["words"], FusionConfig())
    words = Features.of_tokens(torch.randn(2, 3, 8), torch.ones(2, 3).bool())
    other = Features.of_tokens(torch.randn(2, 2, 3), torch.tensor([[True, True], [False, False]]))
    joined = fusion({"a": other, "words": words})
    assert joined.tokens.shape == (2, 5, 8)
    torch.testing.assert_close(joined.tokens[:, 2:], words.tokens)
    assert joined.mask.tolist() == [[True] * 5, [False, False, True, True, True]]
    assert (joined.tokens[1, :2] == 0).all()


def test_models_that_cannot_write(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match="There is no model folder './nowhere'"):
        load_language_model("./nowhere", "", FineTuneConfig())
    other = tmp_path / "other"
    other.mkdir()
    for file in folder.iterdir():
        if "tokenizer" not in file.name:
            (other / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="has no tokenizer.json|tokenizer in .* cannot be read"):
        load_language_model(str(other), "", FineTuneConfig())
    strange = llava(tmp_path / "strange", TEXTS)
    config = json.loads((strange / "config.json").read_text())
    (strange / "config.json").write_text(json.dumps({**config, "model_type": "qwen2_vl"}))
    with pytest.raises(ModelError, match="sees pictures as 'qwen2_vl' does, which cannot be used"):
        load_language_model(str(strange), "", FineTuneConfig())
