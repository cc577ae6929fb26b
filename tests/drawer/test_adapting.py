"""LoRA of pipelines of the true classes: what learns, what is written, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import here as plait
from conftest import write_csv
from drawer_settings import make_pictures
from made_pipelines import (
    diffusers,
    flux,
    sdxl,
    stable_diffusion,
    stable_diffusion_3,
    unconditional,
)

from plait.data.read import read
from plait.diffusion.pipeline import Pipeline, Wish
from plait.drawer.adapting import AdaptConfig, adapt, encoded, nothing
from plait.drawer.latents import Latents
from plait.errors import ConfigError, MissingExtraError, ModelError, TableError
from plait.tasks.denoise import DenoiseByFlow, DenoiseByNoise, DenoisePacked, DenoiseSized
from plait.train.config import TrainConfig

# Of diffusers' Euler sampler, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONFIG = AdaptConfig(
    side=16, rank=2,
    train=TrainConfig(epochs=30, least_steps=1, batch_size=8, learning_rate=3e-2,
                      validation_share=0.0, modality_dropout=0.0, precision="float32"),
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pipelines")
    makers = {"sd": stable_diffusion, "sdxl": sdxl, "sd3": stable_diffusion_3, "flux": flux}
    return {name: make(folder) for name, make in makers.items()}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pictures")
    cells = make_pictures(folder, 16, seed=0)
    cells["name"][3], cells["picture"][4] = "", "none.png"
    write_csv(folder / "pictures.csv", cells)
    return read(folder / "pictures.csv")


@pytest.mark.parametrize(
    ("kind", "way"),
    [("sd", DenoiseByNoise), ("sdxl", DenoiseSized), ("sd3", DenoiseByFlow),
     ("flux", DenoisePacked)],
)  # fmt: skip
def test_it_learns_and_the_folder_repeats_it(
    made: dict[str, Path], table: Any, tmp_path: Path, kind: str, way: Any
) -> None:
    pipeline, wish = Pipeline(str(made[kind])), Wish("a red bar of paint", steps=3, side=16)
    before = pipeline.draw(wish, [1])[0]
    canvas = Latents(str(made[kind]), 16)
    squares = np.full((6, 16, 16, 3), 255, np.uint8)
    prompts = encoded(pipeline.pipe, [wish.prompt] * 6)
    task = way(pipeline.pipe, nothing(pipeline.pipe)).eval()
    target, weight = canvas.put(squares), torch.ones(6)
    with torch.no_grad():
        first = float(task.loss(prompts, target, weight))
        assert first == float(task.loss(prompts, target, weight))
    folder = adapt(pipeline, table, "picture", "name", tmp_path / "lora", CONFIG)
    with torch.no_grad():
        assert float(task.eval().loss(prompts, target, weight)) < first
    assert [p.suffix for p in folder.iterdir()] == [".safetensors"]
    loaded = Pipeline(str(made[kind]), folder)
    after = loaded.draw(wish, [1])[0]
    assert np.abs(after.astype(int) - pipeline.draw(wish, [1])[0]).max() <= 1
    assert np.abs(after.astype(int) - before).max() > 3
    said = plait(
        "draw", made[kind], wish.prompt, "--lora", folder, "--steps", "3", "--side", "16",
        "--seed", "1", "--no-watermark", "-o", tmp_path / "out",
    )  # fmt: skip
    assert "0001-seed-1.png" in said


@pytest.mark.parametrize(("kind", "way"), [("sd3", DenoiseByFlow), ("flux", DenoisePacked)])
def test_the_goal_of_a_flow_is_noise_less_latents(
    made: dict[str, Path], kind: str, way: Any
) -> None:
    pipeline = Pipeline(str(made[kind]))
    task = way(pipeline.pipe, nothing(pipeline.pipe))
    latents, noise = torch.randn(2, 4, 4, 4), torch.randn(2, 4, 4, 4)
    time, features = torch.tensor([0.3, 0.6]), encoded(pipeline.pipe, ["a", "b"])
    with torch.no_grad():
        one = task.errors(latents, noise, time, features)
        # The same point of the way, reached from elsewhere: only the goal differs.
        other = latents + 1.0
        share = time[:, None, None, None]
        moved = noise + (latents - other) * (1 - share) / share
        two = task.errors(other, moved, time, features)
    goal = (noise - latents) - (moved - other)
    torch.testing.assert_close(two - one, goal, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kind", "way"), [("sdxl", DenoiseSized), ("sd3", DenoiseByFlow),
                                           ("flux", DenoisePacked)])  # fmt: skip
def test_the_network_is_asked_as_its_pipeline_asks_it(
    made: dict[str, Path], kind: str, way: Any
) -> None:
    """What the objective asks of a step is what the pipeline asks, number by number."""
    pipeline = Pipeline(str(made[kind]))
    pipe, heard = pipeline.pipe, []
    network = pipe.unet if kind == "sdxl" else pipe.transformer
    network.register_forward_pre_hook(
        lambda module, given, named: heard.append((given, named)), with_kwargs=True
    )
    pipeline.draw(Wish("a red cup", steps=1, side=16, guidance=1.0), [1])
    (given, named), heard[:] = heard[0], []
    between = given[0] if given else named["hidden_states"]
    asked = given[1] if given else named["timestep"]
    task = way(pipe, nothing(pipe)).eval()
    latents = torch.zeros(1, 4, 8, 8)
    time = torch.tensor([float(asked.flatten()[0]) / (1 if kind == "flux" else 1000)])
    with torch.no_grad():
        task.errors(latents, torch.randn(1, 4, 8, 8), time, encoded(pipe, ["a red cup"]))
    own_given, own = heard[0]
    own_between = own_given[0] if own_given else own["hidden_states"]
    own_asked = own_given[1] if own_given else own["timestep"]
    assert own_between.shape == between.shape
    torch.testing.assert_close(own_asked.float().flatten(), asked.float().flatten())
    # FLUX fills prompts up to 512 tokens when it draws, whatever its tokenizer says is its most.
    names = {
        "sdxl": {"encoder_hidden_states", "text_embeds", "time_ids"},
        "sd3": {"encoder_hidden_states", "pooled_projections"},
        "flux": {"pooled_projections", "img_ids"},
    }[kind]
    theirs, ours = (own | (own.get("added_cond_kwargs") or {}) for own in (named, own))
    for name in names:
        torch.testing.assert_close(ours[name], theirs[name].float())


def test_times_are_shifted_as_the_pipeline_s_are(made: dict[str, Path]) -> None:
    pipe = Pipeline(str(made["sd3"])).pipe
    task = DenoiseByFlow(pipe, nothing(pipe))
    torch.manual_seed(0)
    found = task.times(1000)
    torch.manual_seed(0)
    plain = torch.randn(1000).sigmoid()
    torch.testing.assert_close(found, 3 * plain / (1 + 2 * plain))
    pipe.scheduler.register_to_config(use_dynamic_shifting=True)
    torch.manual_seed(0)
    torch.testing.assert_close(DenoiseByFlow(pipe, nothing(pipe)).times(1000), plain)


def test_noise_that_cannot_be_learned_from(made: dict[str, Path]) -> None:
    pipe = Pipeline(str(made["sdxl"])).pipe
    pipe.scheduler.register_to_config(prediction_type="flow_prediction")
    with pytest.raises(ModelError, match="says 'flow_prediction' of the noise, which cannot"):
        DenoiseSized(pipe, nothing(pipe))
    pipe.scheduler = diffusers().EDMEulerScheduler()
    with pytest.raises(ModelError, match="EDMEulerScheduler has another noise than this can learn"):
        DenoiseSized(pipe, nothing(pipe))


@pytest.mark.parametrize("kind", ["sd3", "flux"])
def test_sides_that_a_network_does_not_draw(
    made: dict[str, Path], table: Any, tmp_path: Path, kind: str
) -> None:
    pipeline, config = Pipeline(str(made[kind])), replace(CONFIG, side=18)
    with pytest.raises(ConfigError, match="multiples of 4 pixels, and 18 is none; choose 16"):
        adapt(pipeline, table, "picture", "name", tmp_path / "x", config)


def test_noise_is_that_of_training_whatever_draws(made: dict[str, Path]) -> None:
    """Euler's sampler adds noise in units of its own, and of steps that it is about to take."""
    pipeline = Pipeline(str(made["sdxl"]))
    pipeline.draw(Wish("a red cup", steps=2, side=16), [1])
    pipe, heard = pipeline.pipe, []
    pipe.unet.register_forward_pre_hook(lambda module, given: heard.append(given[0]))
    task = DenoiseSized(pipe, nothing(pipe)).eval()
    latents, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        task.errors(latents, noise, torch.tensor([0.5]), encoded(pipe, ["a"]))
    # Of SDXL's own betas, by hand: their roots are evenly apart.
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    kept = (1 - betas).cumprod(dim=0)[500].float()
    torch.testing.assert_close(heard[0], kept.sqrt() * latents + (1 - kept).sqrt() * noise)


def test_the_empty_prompt_is_what_the_pipeline_draws_without(made: dict[str, Path]) -> None:
    sized, plain = (Pipeline(str(made[kind])).pipe for kind in ("sdxl", "sd"))
    assert not nothing(sized).tokens.any()
    assert not nothing(sized).pooled.any()
    sized.register_to_config(force_zeros_for_empty_prompt=False)
    for pipe in (sized, plain):
        torch.testing.assert_close(nothing(pipe).tokens, encoded(pipe, [""]).tokens)


def test_a_share_of_the_rows_learns_with_the_empty_prompt(made: dict[str, Path]) -> None:
    pipeline = Pipeline(str(made["sd"]))
    empty = encoded(pipeline.pipe, [""])
    features = encoded(pipeline.pipe, ["a red cup", "a dog"])
    seen = []

    class Spy(DenoiseByNoise):
        def errors(self, latents: Any, noise: Any, time: Any, features: Any) -> Any:
            seen.append(features.tokens)
            return noise

    task = Spy(pipeline.pipe, empty, unconditioned=1.0)
    task.train().loss(features, torch.zeros(2, 4, 8, 8), torch.ones(2))
    task.eval().loss(features, torch.zeros(2, 4, 8, 8), torch.ones(2))
    torch.testing.assert_close(seen[0], empty.tokens.expand(2, -1, -1))
    torch.testing.assert_close(seen[1], features.tokens)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_the_goal_is_what_the_schedule_says(made: dict[str, Path], kind: str) -> None:
    pipeline = Pipeline(str(made["sd"]))
    pipeline.pipe.scheduler.register_to_config(prediction_type=kind)
    task = DenoiseByNoise(pipeline.pipe, encoded(pipeline.pipe, [""]))
    latents, noise, time = (
        torch.randn(2, 4, 8, 8),
        torch.randn(2, 4, 8, 8),
        torch.tensor([0.2, 0.7]),
    )
    features, number = encoded(pipeline.pipe, ["a", "b"]), torch.tensor([200, 700])
    with torch.no_grad():
        found = task.errors(latents, noise, time, features)
        between = pipeline.pipe.scheduler.add_noise(latents, noise, number)
        said = pipeline.pipe.unet(between, number, features.tokens).sample
    kept = pipeline.pipe.scheduler.alphas_cumprod[number].view(2, 1, 1, 1)
    goal = {
        "epsilon": noise, "sample": latents,
        "v_prediction": kept.sqrt() * noise - (1 - kept).sqrt() * latents,
    }  # fmt: skip
    torch.testing.assert_close(found, said - goal[kind], rtol=1e-4, atol=1e-4)


def test_without_peft(
    made: dict[str, Path], table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(str(made["sd"]))
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"LoRA needs peft: pip install 'plait\[lora\]'"):
        adapt(pipeline, table, "picture", "name", tmp_path / "x", CONFIG)


def test_the_command_line(made: dict[str, Path], table: Any, tmp_path: Path) -> None:
    settings = {"train": {"epochs": 2, "least_steps": 1}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    asked = ("adapt", made["sd"], table.folder / "pictures.csv", "--picture", "picture", "--prompt",
             "name", "--side", "16", "--rank", "2", "--config", tmp_path / "settings.json",
             "-o", tmp_path / "lora")  # fmt: skip
    said = plait(*asked)
    assert "--lora" in said.split("Next: plait draw")[1]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert "exists already; choose another folder" in plait(*asked, ok=False)


def test_what_is_refused(made: dict[str, Path], table: Any, tmp_path: Path) -> None:
    pipeline = Pipeline(str(made["sd"]))
    with pytest.raises(ConfigError, match="exists already; choose another folder"):
        adapt(pipeline, table, "picture", "name", tmp_path, CONFIG)
    nothing = {"picture": ["none.png", "no.png"], "name": ["a", "b"]}
    with pytest.raises(TableError, match="No row has both a picture in 'picture' and a text in"):
        adapt(pipeline, nothing, "picture", "name", tmp_path / "x", CONFIG)
    unconditional().save_pretrained(tmp_path / "ddpm", safe_serialization=True)
    with pytest.raises(ModelError, match="DDPMPipeline cannot learn here yet; pipelines that can:"):
        adapt(Pipeline(str(tmp_path / "ddpm")), table, "picture", "name", tmp_path / "x", CONFIG)
    with pytest.raises(ConfigError, match="'rank' must be between 1 and 4096, found 0"):
        AdaptConfig(rank=0)
