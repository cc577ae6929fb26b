"""Pipelines of the true classes: what they are given, what they repeat, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import here as plait
from drawer_settings import make_pictures, small
from made_pipelines import autoencoder, flux, stable_diffusion, unconditional

from plait.data.read import read as plait_read
from plait.diffusion.pipeline import Pipeline, Wish
from plait.diffusion.weights import find_weights
from plait.drawer.drawer import Drawer
from plait.drawer.latents import Latents
from plait.drawer.learning import draw as learn
from plait.errors import ConfigError, MissingExtraError, ModelError
from plait.provenance.files import inspect

BEGIN = np.full((16, 16, 3), 200, np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pipelines")
    return {"sd": stable_diffusion(folder), "flux": flux(folder)}


@pytest.fixture(scope="module", params=["sd", "flux"])
def pipeline(request: pytest.FixtureRequest, made: dict[str, Path]) -> Pipeline:
    return Pipeline(str(made[request.param]))


def test_it_is_what_the_pipeline_draws_by_itself(pipeline: Pipeline) -> None:
    wish = Wish("a red cup", steps=3, guidance=2.0, side=16)
    (found,) = pipeline.draw(wish, [5])
    known = pipeline.pipe(
        "a red cup", num_inference_steps=3, guidance_scale=2.0, height=16, width=16,
        generator=torch.Generator().manual_seed(5), output_type="np",
    ).images[0]  # fmt: skip
    np.testing.assert_array_equal(found, (known * 255).round().astype(np.uint8))


def test_seeds_and_what_is_negative(pipeline: Pipeline) -> None:
    wish, done = Wish("a red cup", steps=3, side=16), []
    two = pipeline.draw(wish, [1, 2], advance=done.append)
    np.testing.assert_array_equal(two[1], pipeline.draw(wish, [2])[0])
    assert (two[0] != two[1]).any()
    assert sum(done) == 2
    away = Wish("a red cup", negative="a dog", steps=3, guidance=4.0, side=16)
    assert (pipeline.draw(away, [2])[0] != two[1]).any()


def test_editing(pipeline: Pipeline) -> None:
    (found,) = pipeline.draw(Wish("a red cup", steps=4, strength=0.5), [1], BEGIN)
    assert found.shape == (16, 16, 3)
    (other,) = pipeline.draw(Wish("a red cup", steps=4, strength=0.5), [1], BEGIN // 4)
    assert (found != other).any()


def test_a_prompt_that_is_too_long_is_said(pipeline: Pipeline) -> None:
    assert pipeline.cut("a red cup") == ""
    assert "is read up to 'abcdefghijk lmnopqr'" in pipeline.cut("abcdefghijk lmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"prompt": " "}, "What is to be drawn is empty"),
        ({"prompt": "a", "steps": 0}, "'steps' must be 1 or more, found 0"),
        ({"prompt": "a", "guidance": -2.0}, "'guidance' must be 0 or more, found -2.0"),
        ({"prompt": "a", "strength": 0.0}, "'strength' must be above 0 and up to 1, found 0.0"),
    ],
)
def test_wishes_that_cannot_be(wish: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Wish(**wish)  # type: ignore[arg-type]


def test_the_command_line(made: dict[str, Path], tmp_path: Path) -> None:
    said = plait("draw", made["sd"], "a red cup", "-o", tmp_path, "--side", "32", "--steps", "2",
                 "--seed", "4", "--count", "2", "--negative", "a dog")  # fmt: skip
    assert said.splitlines()[1] == str(tmp_path / "0002-seed-5.png")
    found = inspect(tmp_path / "0002-seed-5.png")
    assert found.watermark.marked
    assert found.statement is not None
    assert found.statement.model == str(made["sd"])
    assert (found.statement.seed, found.statement.prompt) == (5, "a red cup")
    wrong = plait("draw", made["sd"], "a cup", "--sampler", "heun", ok=False)
    assert "A pipeline has its own sampler" in wrong


def test_what_is_no_pipeline(made: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model folder"):
        Pipeline(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="neither config.json nor model_index.json"):
        find_weights(str(tmp_path / "empty"))
    with pytest.raises(ModelError, match="has no model_index.json, so it is no pipeline"):
        Pipeline(str(made["sd"] / "vae"))
    pickled = shutil.copytree(made["sd"], tmp_path / "pickled")
    for file in pickled.rglob("*.safetensors"):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(ModelError, match=r"has pickled weights alone \('.*.bin'\)"):
        Pipeline(str(pickled))
    broken = shutil.copytree(made["sd"], tmp_path / "broken")
    index = json.loads((broken / "model_index.json").read_text())
    (broken / "model_index.json").write_text(json.dumps({**index, "_class_name": "Nothing"}))
    with pytest.raises(ModelError, match="cannot be read by diffusers"):
        Pipeline(str(broken))


def test_without_diffusers(monkeypatch: pytest.MonkeyPatch, made: dict[str, Path]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "diffusers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[draw\]'"):
        Pipeline(str(made["sd"]))


def test_latents_are_those_of_the_autoencoder_and_come_back(tmp_path: Path) -> None:
    network = autoencoder(scale=0.5, shift=0.1)
    network.save_pretrained(tmp_path / "vae")
    canvas = Latents(str(tmp_path / "vae"), 16)
    assert canvas.shape == (4, 8, 8)
    squares = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3)).astype(np.uint8)
    found = canvas.put(squares)
    picture = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        mean = network.encode(picture).latent_dist.mean
        torch.testing.assert_close(found, (mean - 0.1) * 0.5)
        shown = network.decode(mean).sample
    back = ((shown + 1) * 127.5).round().clamp(0, 255).permute(0, 2, 3, 1).numpy()
    assert np.abs(canvas.show(found).astype(int) - back).max() <= 1
    with pytest.raises(ModelError, match="one cell of 2 pixels, and a side of 17 is no"):
        Latents(str(tmp_path / "vae"), 17)


def test_the_autoencoder_of_a_pipeline(made: dict[str, Path]) -> None:
    assert Latents(str(made["flux"]), 16).folder == made["flux"] / "vae"
    with pytest.raises(ModelError, match="holds no AutoencoderKL that diffusers can read"):
        Latents(str(made["flux"] / "transformer"), 16)


def test_a_pipeline_that_is_not_asked_in_words(tmp_path: Path) -> None:
    unconditional().save_pretrained(tmp_path / "ddpm", safe_serialization=True)
    pipeline = Pipeline(str(tmp_path / "ddpm"))
    with pytest.raises(ConfigError, match="DDPMPipeline takes no 'prompt'; it takes batch_size"):
        pipeline.draw(Wish("a red cup"), [1])
    with pytest.raises(ConfigError, match="DDPMPipeline cannot begin with a picture; leave out"):
        pipeline.draw(Wish("a red cup"), [1], BEGIN)


def test_a_model_of_plait_draws_in_latents(made: dict[str, Path], tmp_path: Path) -> None:
    table = plait_read(make_pictures(tmp_path, 24, seed=0), folder=tmp_path)
    config = small(drawing__epochs=2, drawing__least_steps=1, draw__judged=4,
                   draw__autoencoder=str(made["flux"]), draw__patch=3)  # fmt: skip
    model = learn(table, "picture:image", modalities={"name": "text"}, config=config)
    assert model.canvas.shape == (4, 12, 12)
    folder = model.save(tmp_path / "model")
    asked = {"name": ["a red bar"], "place": ["above"]}
    (one,), (other,) = model.predict(asked).pictures, Drawer.load(folder).predict(asked).pictures
    assert one is not None
    assert one.shape == (24, 24, 3)
    np.testing.assert_array_equal(one, other)
