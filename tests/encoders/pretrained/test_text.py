from __future__ import annotations

import json
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from plait.encoders.pretrained.text import TextBackbone
from plait.errors import ModelError

TEXTS = ["a red cup on the table", "dog", "the large cat of the sofa in the sky and a photo", ""]


def vectors(backbone: TextBackbone, texts: list[str] = TEXTS) -> torch.Tensor:
    with torch.no_grad():
        return backbone([backbone.prepare(text) for text in texts]).pooled


def inputs(folder: Path, **settings: object) -> dict[str, torch.Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    settings = {"padding": True, "truncation": True, "max_length": 24, **settings}
    found = tokenizer(TEXTS, return_tensors="pt", **settings)
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weight = mask[:, :, None].float()
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


@torch.no_grad()
def reference(folder: Path) -> torch.Tensor:
    """Return the vectors that the models' authors use, by transformers alone."""
    if folder.name == "t5":
        from transformers import T5EncoderModel

        own = inputs(folder)
        model = T5EncoderModel.from_pretrained(folder).eval()
        return mean(model(**own).last_hidden_state, own["attention_mask"])
    model = AutoModel.from_pretrained(folder).eval()
    own = inputs(folder)
    match folder.name:
        case "siglip":  # trained on texts filled up to the longest, without a mask
            numbers = inputs(folder, padding="max_length")["input_ids"]
            return model.text_model(input_ids=numbers).pooler_output
        case "clip":
            return model.text_projection(model.text_model(**own).pooler_output)
        case "clap":
            return torch.nn.functional.normalize(
                model.text_projection(model.text_model(**own).pooler_output), dim=-1
            )
        case "decoder":
            hidden = model(**own).last_hidden_state
            return hidden[torch.arange(len(TEXTS)), own["attention_mask"].sum(dim=1) - 1]
    return mean(model(**own).last_hidden_state, own["attention_mask"])


@pytest.mark.parametrize("family", ["bert", "t5", "decoder", "clip", "siglip", "clap"])
def test_vectors_are_those_of_transformers(tmp_path: Path, family: str) -> None:
    folder = made_models.MAKERS[family](tmp_path / family)
    found = vectors(TextBackbone(folder))
    torch.testing.assert_close(found, reference(folder), atol=1e-5, rtol=1e-5)
    assert found.std(dim=0).min() > 0


@pytest.mark.parametrize(
    "mode", ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
)
def test_folders_of_sentence_transformers(tmp_path: Path, mode: str) -> None:
    from sentence_transformers import SentenceTransformer

    folder = made_models.sentence(tmp_path, mode, prompt="photo of " if mode == "mean" else "")
    wanted = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    backbone = TextBackbone(folder)
    assert backbone.prompt == ("photo of " if mode == "mean" else "")
    np.testing.assert_allclose(vectors(backbone).numpy(), wanted, atol=1e-5)
    assert wanted.shape == (4, 12)


def test_a_text_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    backbone = TextBackbone(made_models.bert(tmp_path / "bert"))
    together = vectors(backbone)
    alone = torch.cat([vectors(backbone, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_long_texts_are_cut(tmp_path: Path) -> None:
    backbone = TextBackbone(made_models.bert(tmp_path / "bert"), longest=6)
    assert backbone.length(backbone.prepare("a red cup on the table " * 9)) == 6
    whole = TextBackbone(made_models.bert(tmp_path / "bert"))
    assert whole.length(whole.prepare("a red cup on the table " * 9)) == 24


def test_a_prompt_stands_before_every_text(tmp_path: Path) -> None:
    folder = made_models.bert(tmp_path / "bert")
    said, plain = TextBackbone(folder, prompt="photo of "), TextBackbone(folder)
    torch.testing.assert_close(vectors(said, ["dog"]), vectors(plain, ["photo of dog"]))


def test_an_image_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reads pixel_values, not texts"):
        TextBackbone(made_models.vit(tmp_path / "vit"))


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = made_models.bert(tmp_path / "bert")
    path = folder / "tokenizer.json"
    own = json.loads(path.read_text())
    own["model"]["vocab"] |= {f"more{n}": 100 + n for n in range(50)}
    path.write_text(json.dumps(own))
    with pytest.raises(ModelError, match="knows 84 words and the network 40; they are not of one"):
        TextBackbone(folder)


def test_a_model_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = made_models.bert(tmp_path / "bert")
    for path in folder.glob("token*"):
        path.unlink()
    with pytest.raises(ModelError, match="has no vocabulary"):
        TextBackbone(folder)


def test_a_broken_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = made_models.bert(tmp_path / "bert")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="The tokenizer in .* cannot be read"):
        TextBackbone(folder)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("modules.json", [{"type": "x.Router", "path": ""}], "has a step 'Router', which plait"),
        ("1_Pooling/config.json", {"pooling_mode": "means"}, "Way of pooling 'means' is not known"),
        ("2_Dense/config.json", {"activation_function": "torch.nn.Sinus"}, "'torch.nn.Sinus' is"),
    ],
)
def test_steps_that_are_not_known(tmp_path: Path, file: str, content: object, message: str) -> None:
    folder = made_models.sentence(tmp_path, "mean")
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        TextBackbone(folder)


def test_every_token_knows_its_characters(tmp_path: Path) -> None:
    folder = made_models.bert(tmp_path / "bert")
    backbone, text = TextBackbone(folder, prompt="photo of "), "a red dog"
    spans = backbone.spans(text)
    assert spans is not None
    assert len(spans) == len(backbone.prepare(text)[0])
    pieces = [text[a:b] for a, b in spans if b > a]
    assert "".join(pieces) == text.replace(" ", "")
    assert spans[0] == spans[-1] == (0, 0)  # what marks the ends
