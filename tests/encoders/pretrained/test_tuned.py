"""Networks that are trained on: every family, every way, against the frozen encoder."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_models
import numpy as np
import pytest
import torch
from transformers import AutoModel

from plait.data.audio import Sound
from plait.encoders.pretrained.config import FineTuneConfig, PretrainedConfig
from plait.encoders.pretrained.depth import depths
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.lora import HIGHER_RATE, adapt, layers_of
from plait.encoders.pretrained.tuned import (
    BACKBONE,
    FineTuned,
    fit_sharing,
    learned_of,
    put_learned,
)
from plait.errors import MissingExtraError, ModelError

KINDS = {
    "vit": "image", "dinov2": "image", "convnext": "image", "mobilenet": "image", "clip": "image",
    "siglip": "image", "naflex": "image", "bert": "text", "decoder": "text", "t5": "text",
    "siglip text": "text", "naflex text": "text",
    "whisper": "audio", "wav2vec2": "audio", "ast": "audio", "clap": "audio",
}  # fmt: skip
WAYS = ("all", "last", "lora")
pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filter")


def values(kind: str) -> list[Any]:
    rng = np.random.default_rng(0)
    if kind == "image":
        return [[rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)] for _ in range(6)]
    if kind == "audio":
        return [Sound(rng.normal(size=16000).astype(np.float32) / 9, 16000) for _ in range(6)]
    return [f"{a} on the {b}" for a in ("a red cup", "the dog", "cats") for b in ("sofa", "sky")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in {name.split()[0] for name in KINDS}:
        made_models.MAKERS[name](folder / name)
    return folder


def frozen(home: Path, name: str, tokens: int = 0) -> tuple[Pretrained, list[Any]]:
    """Return a fitted frozen encoder, and what its network reads of some values."""
    kind = KINDS[name]
    config = PretrainedConfig(width=4, tokens=tokens, cache=False, precision="float32")
    encoder = Pretrained(kind, str(home / name.split()[0]), config, 4, 2.0)
    vectors = [encoder.preprocess(value) for value in values(kind)]
    encoder.fit(vectors, np.zeros((6, 1)), seed=0)
    return encoder.eval(), vectors


def tuned(home: Path, name: str, way: Any, **settings: Any) -> tuple[FineTuned, list[Any]]:
    """Return an encoder ready to learn, and its samples."""
    own, _ = frozen(home, name, settings.pop("tokens", 0))
    encoder = FineTuned(own, FineTuneConfig(way=way, **settings))
    samples = [encoder.preprocess(value) for value in values(KINDS[name])]
    torch.manual_seed(0)
    encoder.fit(samples, np.zeros((6, 1)), seed=0)
    return encoder, samples


def learn(encoder: FineTuned, samples: list[Any], steps: int = 3) -> None:
    groups = [{"params": [p], "lr": max(rate, 1e-2)} for p, rate in encoder.rates().items()]
    optimiser = torch.optim.AdamW(groups)
    encoder.train()
    for _ in range(steps):
        optimiser.zero_grad()
        encoder(samples).pooled[:, 0].sum().backward()
        optimiser.step()
    encoder.finish()
    encoder.eval()


@pytest.mark.parametrize("tokens", [0, 4])
@pytest.mark.parametrize("name", KINDS)
def test_it_begins_as_the_frozen_encoder(home: Path, name: str, tokens: int) -> None:
    own, vectors = frozen(home, name, tokens)
    encoder = FineTuned(own, FineTuneConfig(way="all")).eval()
    samples = [encoder.preprocess(value) for value in values(KINDS[name])]
    with torch.no_grad():
        before, now = own([*vectors, None]), encoder([*samples, None])
    torch.testing.assert_close(now.pooled, before.pooled, atol=1e-4, rtol=1e-4)
    assert now.present.tolist() == before.present.tolist()
    if tokens:  # those of the frozen one were rounded to bfloat16
        torch.testing.assert_close(now.tokens, before.tokens, atol=0.1, rtol=0.05)
        assert torch.equal(now.mask, before.mask)
        for one, other in ((now.time, before.time), (now.place, before.place)):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                torch.testing.assert_close(one, other)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", KINDS)
def test_what_may_learn_learns_and_nothing_else(home: Path, name: str, way: str) -> None:
    encoder, samples = tuned(home, name, way, layers=1)
    with torch.no_grad():
        before = encoder.eval()(samples).pooled
    origin = dict(FineTuned(encoder.frozen[0], encoder.config).network.named_parameters())
    learn(encoder, samples)
    with torch.no_grad():
        after = encoder(samples).pooled
    assert (after[:, 0] < before[:, 0] - 1e-3).all()
    moved = {n for n, p in encoder.network.named_parameters() if not torch.equal(p, origin[n])}
    allowed = {n for n, p in encoder.network.named_parameters() if p.requires_grad}
    assert moved
    assert moved <= allowed
    if way != "all":
        assert len(moved) < len(origin)
    if way == "lora":
        ranks = [torch.linalg.matrix_rank((p - origin[n]).flatten(1), rtol=1e-3)
                 for n, p in encoder.network.named_parameters() if n in moved]  # fmt: skip
        assert all(rank <= encoder.config.rank for rank in ranks)


def test_the_other_tower_of_a_joint_model_stays(home: Path) -> None:
    encoder, samples = tuned(home, "clip", "all")
    origin = dict(FineTuned(encoder.frozen[0], encoder.config).network.named_parameters())
    learn(encoder, samples)
    moved = {n for n, p in encoder.network.named_parameters() if not torch.equal(p, origin[n])}
    assert any(name.startswith("vision_model") for name in moved)
    assert not any(name.startswith("text_model") for name in moved)


@pytest.mark.parametrize("way", WAYS)
def test_two_towers_of_a_joint_model_train_one_network(home: Path, way: Any) -> None:
    config, copies = FineTuneConfig(way=way, layers=1), dict[int, Any]()
    kinds = {"photo": "siglip", "words": "siglip text"}
    pair = {n: FineTuned(frozen(home, kind)[0], config, copies) for n, kind in kinds.items()}
    samples = {n: [e.preprocess(v) for v in values(KINDS[kinds[n]])] for n, e in pair.items()}
    network = pair["photo"].network
    assert pair["words"].network is network
    assert FineTuned(frozen(home, "siglip")[0], config).network is not network
    fit_sharing(pair, samples, seed=0)
    both = torch.nn.ModuleList(pair.values())
    assert len(list(both.parameters())) == len(list(network.parameters()))
    rates = {weight: rate for e in pair.values() for weight, rate in e.rates().items()}
    assert set(rates) == {weight for weight in both.parameters() if weight.requires_grad}
    origin = {name: p.detach().clone() for name, p in network.named_parameters()}
    for name, encoder in pair.items():
        encoder.train()
        encoder(samples[name]).pooled.square().sum().backward()
        reached = {n.split(".")[0] for n, p in network.named_parameters()
                   if p.grad is not None and p.grad.any()}  # fmt: skip
        own = {"photo": "vision_model", "words": "text_model"}[name]
        assert reached == {own}
        both.zero_grad()
    if way == "last":  # of each tower, and not of the one that the network names last
        tops = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
        assert tops == {"vision_model", "text_model"}
    optimiser = torch.optim.SGD(list(rates), lr=0.1)
    for _ in range(2):  # what LoRA learns begins at zero on one side
        optimiser.zero_grad()
        sum(e(samples[n]).pooled.square().sum() for n, e in pair.items()).backward()  # type: ignore[union-attr]
        optimiser.step()
    for encoder in pair.values():
        encoder.finish()
    now = dict(network.named_parameters())
    before = {n: p for n, p in origin.items() if n in now} if way != "lora" else dict(
        FineTuned(pair["photo"].frozen[0], config).network.named_parameters())  # fmt: skip
    moved = {n.split(".")[0] for n, p in now.items() if not torch.equal(p, before[n])}
    assert moved == {"vision_model", "text_model"}
    saved = learned_of(both)
    kept = [name for name in saved if BACKBONE in name]
    assert len(kept) == len({id(dict(both.named_parameters())[name]) for name in kept})
    again = dict[int, Any]()
    other = torch.nn.ModuleList(
        FineTuned(frozen(home, kind)[0], config, again) for kind in kinds.values()
    )
    put_learned(other, saved)
    for encoder, same, name in zip(other, pair.values(), samples, strict=True):
        with torch.no_grad():
            torch.testing.assert_close(encoder.eval()(samples[name]).pooled,
                                       same.eval()(samples[name]).pooled)  # fmt: skip
    assert set(learned_of(other)) == set(saved)


def test_what_each_column_trained_by_itself_is_still_read(home: Path) -> None:
    """Spaces that were saved when every column had a copy of the network."""
    config = FineTuneConfig(way="all")
    kinds = {"photo": "siglip", "words": "siglip text"}
    alone = [tuned(home, kind, "all") for kind in kinds.values()]
    for encoder, samples in alone:
        learn(encoder, samples, 1)
    copies = dict[int, Any]()
    shared = [FineTuned(frozen(home, kind)[0], config, copies) for kind in kinds.values()]
    saved = learned_of(torch.nn.ModuleList(encoder for encoder, _ in alone))
    put_learned(torch.nn.ModuleList(shared), saved)
    for (encoder, samples), other in zip(alone, shared, strict=True):
        with torch.no_grad():
            torch.testing.assert_close(other.eval()(samples).pooled, encoder(samples).pooled)
    again = learned_of(torch.nn.ModuleList(shared))
    assert {name.split(".")[3] for name in again if BACKBONE in name} == {
        "vision_model", "text_model"}  # fmt: skip


def test_deeper_layers_learn_slower(home: Path) -> None:
    encoder, _ = tuned(home, "bert", "all", rate=1e-3, decay=0.5)
    rates = {n: encoder.rates().get(p) for n, p in encoder.network.named_parameters()}
    last = len(encoder.network.encoder.layer)
    for layer in range(last):
        own = rates[f"encoder.layer.{layer}.output.dense.weight"]
        assert own == pytest.approx(1e-3 * 0.5 ** (last - 1 - layer))
    assert rates["embeddings.word_embeddings.weight"] == pytest.approx(1e-3 * 0.5**last)
    changes = tuned(home, "bert", "lora", rate=1e-3)[0].rates().values()
    assert set(changes) == {1e-3 * HIGHER_RATE}


def test_depths_of_lists_inside_lists() -> None:
    network = torch.nn.Module()
    network.stem = torch.nn.Linear(1, 1, bias=False)
    stage = torch.nn.Module()
    stage.layers = torch.nn.ModuleList([torch.nn.Linear(1, 1, bias=False) for _ in range(2)])
    network.stages = torch.nn.ModuleList([stage])
    network.norm = torch.nn.LayerNorm(1)
    used = {name for name, _ in network.named_parameters()} - {"norm.bias"}
    assert depths(network, used) == {
        "stem.weight": 2, "stages.0.layers.0.weight": 1, "stages.0.layers.1.weight": 0,
        "norm.weight": 0,
    }  # fmt: skip


def test_means_of_batch_normalisation_stay(home: Path) -> None:
    encoder, samples = tuned(home, "mobilenet", "all")
    before = {n: b.clone() for n, b in encoder.network.named_buffers()}
    learn(encoder, samples)
    assert any("running_mean" in name for name in before)
    for name, buffer in encoder.network.named_buffers():
        assert torch.equal(buffer, before[name]), name


@pytest.mark.parametrize("name", ["vit", "bert", "whisper"])
def test_checkpointing_changes_no_gradient(home: Path, name: str) -> None:
    gradients = []
    for checkpointing in (False, True):
        encoder, samples = tuned(home, name, "all", checkpointing=checkpointing)
        encoder.train()
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        encoder(samples).pooled.square().sum().backward()
        gradients.append({n: p.grad for n, p in encoder.network.named_parameters()
                          if p.grad is not None})  # fmt: skip
    assert gradients[0].keys() == gradients[1].keys()
    for key, value in gradients[0].items():
        torch.testing.assert_close(value, gradients[1][key], atol=1e-5, rtol=1e-4)


def test_merged_it_computes_what_was_learned(home: Path) -> None:
    encoder, samples = tuned(home, "vit", "lora")
    for parameter in encoder.rates():
        torch.nn.init.normal_(parameter, std=0.05)
    with torch.no_grad():
        beside = encoder.eval()(samples).pooled
        encoder.finish()
        merged = encoder(samples).pooled
    torch.testing.assert_close(merged, beside, atol=1e-4, rtol=1e-4)
    assert not any("lora" in name for name, _ in encoder.network.named_parameters())


@pytest.mark.parametrize("name", ["vit", "bert", "siglip text"])
def test_exported_it_is_a_folder_of_transformers(home: Path, name: str, tmp_path: Path) -> None:
    encoder, samples = tuned(home, name, "lora")
    learn(encoder, samples)
    encoder.export(tmp_path / "own")
    network = AutoModel.from_pretrained(tmp_path / "own")
    for key, value in network.state_dict().items():
        if key in encoder.network.state_dict():
            assert torch.equal(value, encoder.network.state_dict()[key]), key
    again = Pretrained(encoder.frozen[0].kind, str(tmp_path / "own"),
                       encoder.frozen[0].config, 4, 2.0)  # fmt: skip
    vectors = torch.stack([
        torch.from_numpy(again.preprocess(value)[0]) for value in values(KINDS[name])
    ])  # fmt: skip
    with torch.no_grad():
        torch.testing.assert_close(encoder.backbone(samples).pooled, vectors, atol=1e-4, rtol=1e-4)


def test_nothing_to_learn_from(home: Path) -> None:
    own, _ = frozen(home, "vit")
    empty = Pretrained("image", own.name, own.config, 4, 2.0)
    empty.fit([None, None], np.zeros((2, 1)), seed=0)
    encoder = FineTuned(empty, FineTuneConfig(way="all"))
    encoder.fit([None, None], np.zeros((2, 1)), seed=0)
    assert encoder.rates() == {}
    sample = encoder.preprocess(values("image")[0])
    assert encoder([sample, None]).pooled.tolist() == [[0.0], [0.0]]


def test_a_state_of_another_network_is_refused(home: Path) -> None:
    encoder, _ = tuned(home, "vit", "all")
    other = FineTuned(frozen(home, "dinov2")[0], FineTuneConfig(way="all"))
    with pytest.raises(ModelError, match="fitted on vectors of another network than"):
        other.set_extra_state(encoder.get_extra_state())


def test_lora_needs_a_layer(home: Path) -> None:
    network = torch.nn.Sequential(torch.nn.LayerNorm(3))
    assert layers_of(network, {"0.weight"}) == []
    with pytest.raises(ModelError, match="Sequential has no linear layer or convolution that LoRA"):
        adapt(network, {"0.weight"}, 2)


def test_lora_needs_peft(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "peft":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match="LoRA needs peft: pip install 'plait\\[lora\\]'"):
        adapt(torch.nn.Sequential(torch.nn.Linear(2, 2)), {"0.weight"}, 2)


def test_settings_out_of_range() -> None:
    assert replace(FineTuneConfig(), way="last").layers == 2
