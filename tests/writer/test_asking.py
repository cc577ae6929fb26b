"""Questions: which column a word is for, how far an answer can be trusted, what it rests on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import draw
from writer_settings import small

import plait
from plait.encoders.config import choose_encoders
from plait.errors import ConfigError, TableError
from plait.explain.regions import Regions
from plait.making.given import columns_for
from plait.progress import Progress
from plait.train.record import Record
from plait.writer.asking import ask, explain
from plait.writer.learning import learn
from plait.writer.material import gather
from plait.writer.trust import Trust
from plait.writer.writer import Writer


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "disc.png"
    draw("red", np.random.default_rng(3)).save(path)
    return path


def trusting(writer: Writer, right: int = 90) -> Writer:
    """Return the model as if it had been judged on 100 answers, the surest of them right."""
    confidence = np.linspace(0, 1, 100)
    trust = {"confidence": confidence.tolist(), "right": (np.arange(100) >= 100 - right).tolist()}
    return replace(writer, facts={**writer.facts, "trust": {
        "confidence": trust["confidence"], "right": [float(r) for r in trust["right"]]
    }})  # fmt: skip


def test_words_find_their_columns(writer: Writer, photo: Path) -> None:
    found = columns_for(writer, [str(photo), "a giant thing"])
    assert found == {"photo": str(photo), "text": "a giant thing"}
    assert columns_for(writer, ["text=photo.png"]) == {"text": "photo.png"}
    with pytest.raises(ConfigError, match=r"no column left for 'more', which is text. The model"):
        columns_for(writer, ["a giant thing", "more"])


def test_an_answer(writer: Writer, photo: Path) -> None:
    found = ask(writer, {"photo": photo, "text": "a giant thing"})
    assert found.text == "A big red Thing."
    assert found.candidates == ("A big red Thing.",)
    assert 0 < found.confidence <= 1
    assert found.probability is None, "captions are not right or wrong"
    with pytest.raises(ConfigError, match="judged by likeness"):
        ask(writer, {"text": "a giant thing"}, error_rate=0.1)
    with pytest.raises(TableError, match="There is nothing to be read: there is no file"):
        ask(writer, {"photo": "nowhere.png"})


def test_it_cannot_tell_where_it_is_less_sure_than_asked(writer: Writer, photo: Path) -> None:
    asked = {"photo": photo, "text": "a giant thing"}
    sure = ask(trusting(writer, right=60), asked, error_rate=0.3)
    assert sure.text == "A big red Thing." or sure.confidence < sure.threshold
    assert 0.2 < sure.threshold < 0.8
    doubtful = trusting(writer, right=60)
    unsure = ask(doubtful, {"text": "zzz"}, error_rate=0.1)
    assert (unsure.text is None) == (unsure.confidence < unsure.threshold)
    assert unsure.candidates[0]
    with pytest.raises(ConfigError, match="No confidence keeps the error rate at 0.01"):
        ask(doubtful, asked, error_rate=0.01)
    with pytest.raises(ConfigError, match="must lie between 0 and 1, found 2"):
        ask(doubtful, asked, error_rate=2)


def test_probability_is_the_share_of_right_answers() -> None:
    confidence = tuple(np.linspace(0, 1, 200))
    trust = Trust(confidence, tuple(float(c > 0.5) for c in confidence))
    found = trust.probability(np.array([0.1, 0.9, np.nan]))
    assert found[0] == 0
    assert found[1] == 1
    assert np.isnan(found[2])
    coverage, risk, mean = trust.curve()
    assert risk[-1] == 0.5
    assert coverage[-1] == 1
    assert 0 < mean < 0.25


def test_what_words_rest_on_is_drawn(writer: Writer, photo: Path, tmp_path: Path) -> None:
    found = explain(writer, {"photo": photo, "text": "a giant thing"}, "A big red Thing.")
    assert isinstance(found, Regions)
    assert found.words == ("A", "big", "red", "Thing")
    assert found.heat.shape[1:] == (2, 2), "pictures of 24 pixels have so many cells"
    assert found.heat.min() == 0
    assert found.heat.max() == 1
    assert found.draw(tmp_path / "regions.png").stat().st_size > 1000


def test_there_must_be_something_to_point_at(writer: Writer, photo: Path) -> None:
    with pytest.raises(ConfigError, match="Column of pictures, sounds or videos 'text' is not"):
        explain(writer, {"photo": photo}, "A", "text")
    with pytest.raises(TableError, match="nothing to be read for column 'photo'"):
        explain(writer, {"text": "a giant thing"}, "A")


def test_which_of_several_pictures_is_meant_must_be_said(writer: Writer, photo: Path) -> None:
    again = replace(writer.sources[0], name="other")
    two = replace(writer, sources=(*writer.sources, again))
    with pytest.raises(
        ConfigError, match=r"reads \['photo', 'other'\] of pictures, sounds or videos"
    ):
        explain(two, {"photo": photo}, "A")


def test_an_encoder_without_parts_has_nothing_to_point_at(captions: Path, photo: Path) -> None:
    config = small()
    config = replace(
        config,
        encoders=choose_encoders(["classical"], config.encoders),
        writing=replace(config.writing, epochs=1, least_steps=1),
    )
    table = plait.read(str(captions))
    material, parted = gather(table, "caption:text", {}, (), None, config, Progress(show=False))
    model = learn(material, parted.learning, config, Record(), Progress(show=False))
    with pytest.raises(ConfigError, match="The encoder of 'photo' keeps no parts of what it reads"):
        explain(model, {"photo": photo, "text": "a giant thing"}, "A red")


def test_a_folder_of_pictures_is_for_the_column_of_pictures(writer: Writer, photo: Path) -> None:
    assert "photo" not in plait.read(photo.parent)
    assert writer.predict(photo.parent).values[0] is not None
