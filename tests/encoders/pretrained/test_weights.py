from __future__ import annotations

import os
from pathlib import Path

import made_models
import pytest
import torch

from plait.encoders.pretrained import weights
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import (
    HOME,
    find_model,
    identity,
    is_model_name,
    load_network,
    read_json,
)  # fmt: skip
from plait.errors import ModelError


@pytest.fixture
def vit(tmp_path: Path) -> Path:
    return made_models.vit(tmp_path / "models" / "vit")


def test_folders_and_names(vit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_model(str(vit)) == vit
    monkeypatch.setenv(HOME, str(vit.parent))
    assert find_model("vit") == vit
    assert is_model_name("vit")
    assert is_model_name("google/siglip2-base-patch16-224")
    assert not is_model_name("convolutionel")


def test_a_folder_that_is_not_there(vit: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no model folder .*vti'. Did you mean 'vit'\?"):
        find_model(str(vit.parent / "vti"))


def test_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="is not on this machine and could not be fetched") as no:
        find_model("google/vit-base")
    for part in (str(tmp_path), "Give a local folder", "preset='quick'"):
        assert part in str(no.value)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no config.json"):
        find_model(str(tmp_path))


def test_no_weights(vit: Path) -> None:
    (vit / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no weights: no \*.safetensors"):
        find_model(str(vit))


def test_pickles_are_never_read(vit: Path) -> None:
    (vit / "model.safetensors").unlink()
    torch.save({}, vit / "pytorch_model.bin")
    with pytest.raises(ModelError, match="has pickled weights alone .*convert them once"):
        find_model(str(vit))


def test_weights_of_another_model(vit: Path) -> None:
    other = made_models.bert(vit.parent / "bert")
    (vit / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(ModelError, match=r"lack '.*' and \d+ others; config.json and the weights"):
        load_network(vit)


def test_broken_weights(vit: Path) -> None:
    (vit / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(vit)


def test_a_kind_of_model_that_is_not_known(vit: Path) -> None:
    (vit / "config.json").write_text('{"model_type": "vti"}')
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(vit)


def test_a_broken_configuration(vit: Path) -> None:
    (vit / "preprocessor_config.json").write_text("{")
    with pytest.raises(ModelError, match="preprocessor_config.json' is damaged"):
        read_json(vit, "preprocessor_config.json")


def test_the_hash_is_of_what_matters(vit: Path) -> None:
    before = identity(vit)
    identity.cache_clear()
    assert identity(vit) == before
    (vit / "README.md").write_text("about it")
    identity.cache_clear()
    assert identity(vit) == before
    made_models.pictures(vit, "ViTImageProcessor", size=made_models.SQUARE, resample=3)
    identity.cache_clear()
    assert identity(vit) != before


def test_hashes_of_large_files_are_remembered_until_they_change(
    vit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "LARGE", 1)
    file, read = vit / "model.safetensors", list[str]()

    def counted(path: Path) -> bytes:
        read.append(path.name)
        return digest(path)

    digest = weights._digest
    monkeypatch.setattr(weights, "_digest", counted)

    def found() -> str:
        identity.cache_clear()
        read.clear()
        return identity(vit, remember=True)

    before = found()
    assert found() == before
    assert file.name in read
    monkeypatch.setattr(weights, "SETTLED", 0)
    assert found() == before
    assert found() == before
    assert not read
    there, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(there.st_atime_ns, there.st_mtime_ns))
    assert found() != before
    assert read == [file.name]


def test_towers_share_one_network(tmp_path: Path) -> None:
    folder = made_models.clip(tmp_path / "clip")
    one = load_shared(folder)
    assert load_shared(folder) is one
    assert not any(parameter.requires_grad for parameter in one.parameters())
