"""Datasets of Hugging Face's library: its features, selections, splits and saved folders."""

from __future__ import annotations

import builtins
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
from made_media import sound_file, tone
from PIL import Image

import plait
from plait.data.loader import decode
from plait.errors import MissingExtraError, TableError
from plait.progress import Progress
from plait.types import Modality


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> datasets.Dataset:
    folder = tmp_path_factory.mktemp("pictures")
    for row in range(6):
        Image.new("RGB", (20, 20), (40 * row, 0, 0)).save(folder / f"{row}.png")
    features = datasets.Features({
        "picture": datasets.Image(),
        "noise": datasets.Audio(),
        "kind": datasets.ClassLabel(names=["cat", "dog"]),
        "numbers": datasets.List(datasets.Value("float32")),
    })  # fmt: skip
    sounds = [{"bytes": sound_file(tone(200 + 100 * row)), "path": None} for row in range(6)]
    pictures = [{"bytes": None, "path": str(folder / f"{row}.png")} for row in range(6)]
    data = {"picture": pictures, "noise": sounds, "kind": [0, 1, 0, 1, -1, 1],
            "numbers": [[1.0, 2.0]] * 6}  # fmt: skip
    table = pa.table(data).cast(features.arrow_schema)  # as a download is stored
    return datasets.Dataset(table, info=datasets.DatasetInfo(features=features))


def test_features_are_what_they_are(dataset) -> None:
    table = plait.read(dataset, allow_outside=True)
    assert table.values("kind") == ["cat", "dog", "cat", "dog", None, "dog"]
    picture = decode(table.cell("picture", 2), Modality.IMAGE, table)[0]
    assert picture[5, 5].tolist() == [80, 0, 0]
    sound = decode(table.cell("noise", 3), Modality.AUDIO, table)
    assert sound.seconds == pytest.approx(0.5)
    report = plait.check(table, "kind", progress=Progress(show=False))
    found = {item.column.name: item.column.modality for item in report.columns}
    assert (found["picture"], found["noise"]) == (Modality.IMAGE, Modality.AUDIO)
    assert found["numbers"] is Modality.VECTOR


def test_selections_keep_their_order(dataset) -> None:
    chosen = dataset.select([5, 0, 3])
    assert plait.read(chosen).values("kind") == ["dog", "cat", "dog"]
    shuffled = dataset.shuffle(seed=1)
    expected = [dataset.features["kind"].int2str(k) if k >= 0 else None for k in shuffled["kind"]]
    assert plait.read(shuffled).values("kind") == expected


def test_a_saved_folder(dataset, tmp_path: Path) -> None:
    dataset.save_to_disk(str(tmp_path / "saved"))
    table = plait.read(tmp_path / "saved")
    assert table.values("kind")[:2] == ["cat", "dog"]
    assert isinstance(table.cell("picture", 0)["bytes"], bytes)
    assert np.array_equal(table.cell("numbers", 0), [1, 2])


def test_splits_must_be_named(dataset, tmp_path: Path) -> None:
    both = datasets.DatasetDict({"train": dataset, "test": dataset})
    with pytest.raises(TableError, match=r"has the splits \['test', 'train'\]; give one of them, "):
        plait.read(both)
    both.save_to_disk(str(tmp_path / "both"))
    with pytest.raises(TableError, match=r"'both' has the splits \['test', 'train'\]; give the fo"):
        plait.read(tmp_path / "both")
    assert len(plait.read(tmp_path / "both" / "train")) == 6
    with pytest.raises(TableError, match="A IterableDataset is read row by row only"):
        plait.read(dataset.to_iterable_dataset())


def test_broken_and_without_the_library(dataset, tmp_path: Path, monkeypatch) -> None:
    dataset.save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "saved" / "state.json").write_text("{}")
    with pytest.raises(TableError, match="'saved' cannot be read as a saved dataset"):
        plait.read(tmp_path / "saved")
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "datasets":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[datasets\]'"):
        plait.read(tmp_path / "saved")
