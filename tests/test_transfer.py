"""Transfer: a model begins with the trained encoders of another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import plait
from plait.encoders.trained import TrainedConfig
from plait.ensemble.config import FitConfig
from plait.errors import ModelError
from plait.progress import Progress
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.transfer import starts_of

QUIET = Progress(show=False)
SMALL = TrainedConfig(width=16, layers=1, heads=2, vocabulary=300, side=16, patch=8)
SHORT = TrainConfig(epochs=2, least_steps=1, batch_size=16)
BASE = FitConfig(folds=1, deep=SHORT)
CONFIG = replace(BASE, encoders=replace(BASE.encoders, of_text="gru", trained=SMALL))
RNG = np.random.default_rng(0)
WORDS = ["red", "blue", "green", "grey"]
TABLE = {
    "name": [f"{RNG.choice(WORDS)} {RNG.choice(WORDS)} thing {n}" for n in range(60)],
    "kind": [WORDS[n % 2] for n in range(60)],
}


def fit(table=TABLE, config: FitConfig = CONFIG, **more) -> plait.Model:
    return plait.fit(table, "kind", modalities={"name": "text"}, config=config, progress=QUIET,
                     **more)  # fmt: skip


@pytest.fixture(scope="module")
def before() -> plait.Model:
    return fit()


def test_encoders_begin_with_what_the_other_model_learned(
    before: plait.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before.save(tmp_path / "before")
    other = {**TABLE, "kind": TABLE["kind"][::-1]}
    begun = []

    def seen(network, *rest, **more):
        begun.append({k: v.clone() if torch.is_tensor(v) else v
                      for k, v in network.encoders[0].state_dict().items()})  # fmt: skip
        return train(network, *rest, **more)

    monkeypatch.setattr("plait.train.loop.train", seen)
    fit(other, start=tmp_path / "before")
    expected = starts_of(before, before.sources, CONFIG)["name"]
    for state in begun:
        assert set(state) == set(expected)
        for name, value in expected.items():
            assert (
                torch.equal(state[name], value) if torch.is_tensor(value) else value == state[name]
            )
    begun.clear()
    fit(other)
    assert not torch.equal(begun[0]["body.map.weight"], expected["body.map.weight"])


def test_nothing_to_take_is_said(before: plait.Model) -> None:
    renamed = {"title": TABLE["name"], "kind": TABLE["kind"]}
    message = r"Nothing can be taken .* encoders of \['name'\], and this one trains those of \['tit"
    with pytest.raises(ModelError, match=message):
        plait.fit(renamed, "kind", modalities={"title": "text"}, config=CONFIG, start=before,
                  progress=QUIET)  # fmt: skip


def test_other_settings_are_refused(before: plait.Model) -> None:
    wider = replace(CONFIG, encoders=replace(CONFIG.encoders, trained=replace(SMALL, width=24)))
    with pytest.raises(ModelError, match="The encoder of 'name' is 'gru' .* they must be the same"):
        fit(config=wider, start=before)
