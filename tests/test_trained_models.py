"""Models whose encoders are trained with them: learning, missing columns, saving, repeating."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.encoders.config import CLASSICAL, STANDARD, TRAINED, choose_encoders
from plait.encoders.trained import TrainedConfig
from plait.ensemble.config import FitConfig
from plait.ensemble.trees import TreesConfig
from plait.errors import ConfigError
from plait.fusion.fusion import FusionConfig
from plait.progress import Progress

QUIET = Progress(show=False)
SMALL = TrainedConfig(width=32, layers=1, heads=2, side=24, patch=8, dropout=0.0, vocabulary=400)
DEEP = replace(FitConfig().deep, epochs=15, least_steps=150, batch_size=32, learning_rate=3e-3)
CONFIG = FitConfig(
    fusion="self_attention",
    fusion_settings=FusionConfig(32, heads=2, layers=1, dropout=0.0),
    folds=1,
    encoders=replace(TRAINED, trained=SMALL),
    deep=DEEP,
    trees=TreesConfig(rounds=10),
)
SINGLES = ["photo", "text", "table", "table, linear"]


@pytest.fixture(scope="module")
def model(things: Path) -> plait.Model:
    return plait.fit(things, "kind", ignore=["price"], config=CONFIG, progress=QUIET)


def test_both_modalities_are_learned_from_pixels_and_letters(
    model: plait.Model, new_things: Path
) -> None:
    lines = {line["name"]: line for line in model.facts["board"]["lines"]}
    assert list(lines) == [*SINGLES, "self_attention", "average", "blend"]
    assert lines["self_attention"]["level"] == "interaction"
    assert model.entrant.name in ("self_attention", "average", "blend")
    assert model.evaluate(new_things, QUIET)["accuracy"] > 0.8


def test_saved_and_loaded_by_a_fresh_process_to_the_bit(
    model: plait.Model, new_things: Path, tmp_path: Path
) -> None:
    folder = model.save(tmp_path / "model")
    code = (
        "import sys, plait\n"
        f"scores = plait.load({str(folder)!r}).predict({str(new_things)!r}).scores\n"
        "print(scores.tobytes().hex())\n"
        "print('plait.train.loop' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scores, trained = run.stdout.split("\n")[:2]
    assert scores == model.predict(new_things, QUIET).scores.tobytes().hex()
    assert trained == "False"
    words = json.loads((folder / "vocabulary.json").read_text())
    assert any("tokenizer" in facts for facts in words.values())


def test_columns_and_cells_may_be_missing(model: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    whole = model.evaluate(table, QUIET)["accuracy"]
    for gone in ("photo", "text", "weight"):
        prediction = model.predict(table.drop([gone]), QUIET)
        assert np.isfinite(prediction.scores).all()
        if gone != "weight":
            left = model.evaluate(table.drop([gone]), QUIET)["accuracy"]
            assert 0.3 < left < whole
    texts = [None if row % 2 else text for row, text in enumerate(table.values("text"))]
    half = model.predict(table.with_column("text", texts), QUIET)
    full = model.predict(table, QUIET)
    assert np.allclose(half.scores[::2], full.scores[::2], atol=1e-5)
    explained = model.explain(table.take([0, 1]))
    assert set(explained[0].contributions) == {source.name for source in model.read}


def test_the_same_seed_repeats_to_the_bit(things: Path, new_things: Path) -> None:
    short = replace(CONFIG, deep=replace(DEEP, epochs=2, least_steps=1))

    def scores(seed: int) -> np.ndarray:
        config = replace(short, seed=seed)
        fitted = plait.fit(things, "kind", ignore=["price"], config=config, progress=QUIET)
        return fitted.predict(new_things, QUIET).scores

    first = scores(0)
    assert np.array_equal(first, scores(0))
    assert not np.array_equal(first, scores(1))


def test_one_column_may_be_trained_and_another_classical(things: Path, new_things: Path) -> None:
    encoders = choose_encoders(["text=transformer"], replace(CLASSICAL, trained=SMALL))
    config = replace(CONFIG, encoders=encoders, fusion="gated")
    fitted = plait.fit(things, "kind", ignore=["price"], config=config, progress=QUIET)
    lines = {line["name"]: line for line in fitted.facts["board"]["lines"]}
    assert list(lines) == [*SINGLES, "gated", "trees", "average", "blend"]
    assert fitted.evaluate(new_things, QUIET)["accuracy"] > 0.7


def test_encoders_are_chosen_by_words() -> None:
    assert choose_encoders(["trained"]) == TRAINED
    assert choose_encoders(["trained", "classical"]) == CLASSICAL
    assert choose_encoders([]).or_else(CLASSICAL) == CLASSICAL
    assert choose_encoders([]).or_else(STANDARD) == choose_encoders(["pretrained"]) == STANDARD
    assert choose_encoders(["text=lstm"]).or_else(STANDARD).of_text == "lstm"
    assert choose_encoders(["trained", "text=lstm"]).of_text == "lstm"
    message = "said as classical, trained, pretrained, image=NAME, text=NAME.*; found 'sound=cnn'"
    with pytest.raises(ConfigError, match=message):
        choose_encoders(["sound=cnn"])


def test_an_encoder_that_is_not_there(things: Path) -> None:
    config = replace(CONFIG, encoders=replace(CLASSICAL, of_text="lsmt"))
    with pytest.raises(ConfigError, match="Encoder of text 'lsmt' is not known. Did you mean 'lst"):
        plait.fit(things, "kind", config=config, progress=QUIET)
