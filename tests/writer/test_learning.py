"""Learning to write: what decides, what is held out, what goes on after a kill, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_models import causal, vit
from writer_settings import make_captions, small

import plait
from plait import FitConfig
from plait.config import to_json
from plait.encoders.config import choose_encoders
from plait.encoders.pretrained.config import FineTuneConfig
from plait.errors import ConfigError, TableError
from plait.evaluate.written import deciding
from plait.making.reading import ready
from plait.progress import Progress
from plait.train import loop
from plait.train.config import TrainConfig
from plait.train.record import Record
from plait.writer.learning import learn, write
from plait.writer.material import gather
from plait.writer.references import references_of
from plait.writer.writer import Writer

QUIET = Progress(show=False)


def test_what_is_said_of_held_out_rows(writer: Writer) -> None:
    found = writer.facts["judged"]
    assert found["metric"] == "cider"
    assert found["rows"] == 16
    assert writer.facts["rows"] == 160
    assert not writer.facts["apart"]


def test_answers_are_right_or_wrong_and_captions_alike() -> None:
    assert deciding(["yes", "two dogs", "no"]) == "exact_match"
    assert deciding(["a dog on a red sofa", "two cats under a table", "no"]) == "cider"


def test_rows_of_one_picture_stay_together(captions: Path) -> None:
    table = plait.read(str(captions))
    double = {name: table.values(name) * 2 for name in table.columns}
    double["caption"][160:] = ["Another thing here."] * 160
    both = plait.read(double, folder=captions.parent)
    material, parted = gather(both, "caption:text", {}, (), None, small(), QUIET)
    photos = np.array(both.values("photo"))
    assert not set(photos[parted.learning]) & set(photos[parted.judged])
    assert len(parted.judged) == 32
    first, references = references_of(material.keys, parted.judged, material.values)
    assert len(first) == 16
    assert all(len(own) == 2 for own in references)


def test_a_killed_run_goes_on_where_it_was(captions: Path, tmp_path: Path) -> None:
    """The first learning is stopped in its third epoch; the second begins there."""
    from plait.train.checkpoint import Checkpoint

    config = small()
    material, parted = gather(
        plait.read(str(captions)), "caption:text", {}, (), None, config, QUIET
    )
    place, seen = tmp_path / "under-way.safetensors", []

    class KilledError(Exception):
        pass

    def watch(course: object) -> None:
        seen.append(course.epoch)  # type: ignore[attr-defined]
        if len(seen) == 3:
            Checkpoint(place).write(course)  # type: ignore[arg-type]
            raise KilledError

    with pytest.raises(KilledError):
        learn(material, parted.learning, config, Record(place, watch), QUIET)
    again: list[int] = []
    resumed = learn(
        material, parted.learning, config, Record(place, lambda c: again.append(c.epoch)), QUIET
    )
    assert again[0] == 4
    whole = learn(material, parted.learning, config, Record(), QUIET)
    for name, value in whole.network.state_dict().items():
        if hasattr(value, "shape"):
            assert (value == resumed.network.state_dict()[name]).all(), name


def briefly(config: FitConfig) -> FitConfig:
    """Return the settings with a few steps alone."""
    return replace(config, writing=replace(config.writing, epochs=1, least_steps=4))


def test_a_language_model_learns_and_is_stored_as_what_was_learned(
    captions: Path, tmp_path: Path
) -> None:
    folder = causal(tmp_path / "model", ["A big red Thing.", "A small blue Thing."] * 9)
    config = briefly(small(language_model=str(folder), instruction="What is it?"))
    model = write(str(captions), "caption:text", config=config)
    place = model.save(tmp_path / "writer")
    assert place.joinpath("weights.safetensors").stat().st_size < 700_000
    again = plait.load(place)
    table = plait.read(str(captions)).take(range(8))
    assert model.predict(table).values == again.predict(table).values
    assert not any("backbone" in name for name in _stored(place))
    tuned = briefly(small(language_model=str(folder), tuning={"way": "last", "layers": 1}))
    material, parted = gather(plait.read(str(captions)), "caption:text", {}, (), None, tuned, QUIET)
    some = learn(material, parted.learning[:20], tuned, Record(), QUIET)
    more = Writer(**{**vars(some), "facts": model.facts}).save(tmp_path / "tuned")
    assert any("backbone" in name for name in _stored(more))
    assert plait.load(more).predict(table).values == some.predict(table).values


def _stored(folder: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(folder / "weights.safetensors", framework="numpy") as file:
        return list(file.keys())


def test_a_model_that_sees_answers_as_it_is(captions: Path, tmp_path: Path) -> None:
    from made_models import llava

    folder = llava(tmp_path / "llava", ["A big red Thing.", "USER: ASSISTANT: what"] * 9)
    config = small(language_model=str(folder), as_is=True)
    model = write(str(captions), "caption:text", config=config)
    assert model.facts["judged"]["rows"] == 16
    again = plait.load(model.save(tmp_path / "writer"))
    table = plait.read(str(captions)).take(range(3))
    assert again.predict(table).values == model.predict(table).values
    blind = small(language_model=str(causal(tmp_path / "blind", ["a b"] * 9)), as_is=True)
    with pytest.raises(ConfigError, match="cannot read column 'photo' as it is"):
        write(str(captions), "caption:text", config=blind)


@pytest.mark.parametrize("language_model", [False, True])
def test_pretrained_networks_are_trained_on(
    captions: Path, tmp_path: Path, language_model: bool
) -> None:
    eyes = vit(tmp_path / "vit")
    written = causal(tmp_path / "words", ["A big red Thing."] * 9) if language_model else ""
    config = briefly(small(language_model=str(written)))
    tuned = TrainConfig(epochs=1, least_steps=3, batch_size=32, learning_rate=1e-3)
    config = replace(config, encoders=choose_encoders([f"image={eyes}"], config.encoders))
    finetune = FineTuneConfig("all", rate=1e-3)
    config = replace(config, tuned=tuned, encoders=replace(config.encoders, finetune=finetune))
    config = ready(config, "quick")
    table = plait.read(str(captions))
    material, parted = gather(table, "caption:text", {}, (), None, config, QUIET)
    model = learn(material, parted.learning[:60], config, Record(), QUIET)
    assert 0 <= model.facts["kept"] <= 1
    assert "photo" in model.network.by_name
    table = table.take(range(5))
    whole = replace(model, facts={"rows": 1, "apart": True, "judged": {
        "scores": {}, "rows": 1, "metric": "cider", "examples": []
    }})  # fmt: skip
    again = plait.load(whole.save(tmp_path / "model"))
    assert again.predict(table).values == model.predict(table).values
    if model.facts["kept"] > 0:
        assert any(
            "encoders" in name and "backbone" in name for name in _stored(tmp_path / "model")
        )


def test_rewards_are_learned_from(captions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"epochs": 2, "least_steps": 6, "batch_size": 16, "learning_rate": 1e-4}
    config = briefly(small(reinforce={"reward": "cider"}))
    config = replace(config, rewarded=replace(config.rewarded, **few))
    material, parted = gather(
        plait.read(str(captions)), "caption:text", {}, (), None, config, QUIET
    )
    own, splits = loop.split, []

    def spy(lesson, share, generator):
        splits.append((lesson, own(lesson, share, generator)))
        return splits[-1][1]

    monkeypatch.setattr(loop, "split", spy)
    model = learn(material, parted.learning, config, Record(), QUIET)
    (_, parts), (_, same), *rest = splits
    assert [part.tolist() for part in parts] == [part.tolist() for part in same]
    unseen = set(material.keys[parted.learning[parts[1].numpy()]].tolist())
    assert unseen
    first, _ = references_of(material.keys, parted.learning, material.values)
    for lesson, (_, held) in rest:  # that says whether rewards rise
        assert lesson.held is not None
        assert set(material.keys[first[held.numpy()]].tolist()) == unseen
    assert len(rest) == 2  # before the first step, and in training
    stages = model.facts["rewarded"]
    assert len(stages) == 3
    assert set(stages[0]) == {"reward", "distinct", "length"}
    assert max(s["length"] for s in stages) > 0
    assert all(weight.requires_grad for weight in model.network.fusion.parameters())


def test_what_is_refused(captions: Path) -> None:
    table = str(captions)
    with pytest.raises(ConfigError, match="Reward 'ciderr' is not .*'cider'"):
        write(table, "caption:text", config=small(reinforce={"reward": "ciderr"}))
    with pytest.raises(ConfigError, match="Fusion 'conkat'"):
        write(table, "caption:text", config=type(small())(fusion="conkat"))
    with pytest.raises(TableError, match="Of 1 rows 0 are left to learn from and 1 to be judged"):
        write({"a": ["x y", None], "caption": ["some", "words"]}, "caption:text",
              modalities={"a": "text"}, config=small())  # fmt: skip


def test_settings_are_stored_whole(writer: Writer) -> None:
    assert to_json(writer.config)["write"]["longest"] == 12


def test_a_text_and_others_at_once(tmp_path: Path) -> None:
    """The class needs the picture, the number the text; some of them are not known."""
    table = make_captions(tmp_path, 160, seed=3)
    colours = [caption.split()[2] for caption in table["caption"]]
    table["colour"] = [None if row % 9 == 0 else colour for row, colour in enumerate(colours)]
    table["score"] = [100.0 + 50 * ("big" in caption) for caption in table["caption"]]
    rows = plait.read(table, folder=tmp_path)
    config = small(dropout=0.0)
    model = plait.fit(rows, ["colour", "caption:text", "score:number"], config=config)
    assert isinstance(model, Writer)
    assert [part.name for part, _ in model.others.each] == ["colour", "score"]
    assert set(model.facts["judged"]["others"]) == {"colour accuracy", "score r2"}
    again = plait.load(model.save(tmp_path / "model"))
    found, same = model.predict(rows), again.predict(rows)
    assert found.others == same.others
    assert np.mean([a == b for a, b in zip(found.others["colour"], colours, strict=True)]) > 0.7
    assert np.abs(np.array(found.others["score"]) - table["score"]).mean() < 25
    result = again.evaluate(rows)
    assert result.others["colour accuracy"].value > 0.7
    nothing = model.predict({"photo": [None], "text": [None]})
    assert nothing.values == [None]
    assert 100 < nothing.others["score"][0] < 150, "the mean, of a row with nothing in it"
