"""Models beside one another: pretrained weights count, and what is timed is not looked up."""

from __future__ import annotations

from pathlib import Path

import made_models
import numpy as np
import pytest

import plait
from plait.beside import beside, megabytes, rows_per_second
from plait.data.quality import Ledger
from plait.distillation import truths
from plait.encoders.config import choose_encoders
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.weights import weights_size
from plait.ensemble.contest import size_of
from plait.progress import Progress

QUIET = Progress(show=False)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "vit"
    made_models.vit(folder)
    return folder


@pytest.fixture(scope="module")
def large(things: Path, vit: Path) -> plait.Model:
    config = plait.FitConfig(folds=1, encoders=choose_encoders([f"image={vit}"]))
    return plait.fit(things, "kind", ignore=["price", "text", "weight"], config=config,
                     progress=QUIET)  # fmt: skip


@pytest.fixture(scope="module")
def light(things: Path) -> plait.Model:
    return plait.fit(things, "kind", ignore=["price", "photo"], progress=QUIET,
                     config=plait.FitConfig(folds=1))  # fmt: skip


def test_pretrained_weights_are_part_of_the_size(large: plait.Model, vit: Path) -> None:
    own = sum(expert.state().size for expert in large.experts.values())
    own += sum(map(size_of, large.encoders.values()))
    assert weights_size(vit) == (vit / "model.safetensors").stat().st_size > 50_000
    assert megabytes(large) == pytest.approx((own + weights_size(vit)) / 1e6)


def test_timed_rows_are_computed_and_not_looked_up(
    large: plait.Model, new_things: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = plait.read(new_things).take(range(12))
    large.predict(table, QUIET)  # from now on they lie in the cache
    embedded = []
    embed = Pretrained.embed

    def counted(self, prepared):
        embedded.append(len(prepared))
        return embed(self, prepared)

    monkeypatch.setattr(Pretrained, "embed", counted)
    large.predict(table, QUIET)
    assert not embedded
    assert rows_per_second(large, table) > 0
    assert sum(embedded) == 2 * 12
    large.predict(table, QUIET)
    assert sum(embedded) == 2 * 12


def test_sides_by_hand(large: plait.Model, light: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    truth = truths(light, table, Ledger())
    truth[::2] = np.nan
    models = {"large": large, "light": light}
    found = beside(models, "light", table, truth, np.arange(len(table)))
    said = {name: np.array(model.predict(table, QUIET).values) for name, model in models.items()}
    right = {name: (said[name] == table.values("kind"))[1::2] for name in models}
    assert (found.metric, found.higher, found.rows) == ("accuracy", True, 30)
    for name in models:
        assert found[name].score.value == pytest.approx(right[name].mean())
        assert found[name].score.low <= found[name].score.value <= found[name].score.high
    assert found["light"].agreement == pytest.approx((said["large"] == said["light"]).mean())
    lead = right["light"].mean() - right["large"].mean()
    assert found["large"].lead.value == pytest.approx(lead)
    assert found["large"].agreement is found["light"].lead is None
