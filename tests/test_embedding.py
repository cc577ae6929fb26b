from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_models
import numpy as np
import pytest
import torch
from PIL import Image

from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.embedding import embed_rows
from plait.encoders.pretrained.config import PretrainedConfig
from plait.encoders.pretrained.encoder import Pretrained
from plait.store import Store
from plait.types import Column, Modality

CONFIG = PretrainedConfig(batch_size=3)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("models")
    made_models.vit(home / "vit")
    made_models.bert(home / "bert")
    return home


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten photos, of which the last five are copies of the first under other names."""
    random = np.random.default_rng(0)
    for n in range(5):
        pixels = random.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        for name in (n, n + 5):
            Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return tmp_path


class Counting:
    """Counts the values that a network is given."""

    def __init__(self, encoder: Pretrained) -> None:
        self.count, self.lengths = 0, []
        forward = encoder.backbone.forward

        def counted(samples):  # type: ignore[no-untyped-def]
            self.count += len(samples)
            self.lengths.append([encoder.backbone.length(sample) for sample in samples])
            return forward(samples)

        encoder.backbone.forward = counted  # type: ignore[method-assign]


def image(models: Path, config: PretrainedConfig = CONFIG) -> Pretrained:
    return Pretrained("image", str(models / "vit"), config, 8, 30.0)


def embed(
    cells: list[object], encoder: Pretrained, store: Store | None, folder: Path, kind: str = "image"
) -> tuple[list[object], Ledger]:
    ledger = Ledger()
    table = Table.of({"it": cells}, folder=folder)
    source = Source("it", kind, (Column("it", Modality(kind)),))
    done: list[int] = []
    found = list(embed_rows(Reader(table, ledger), source, encoder, store, done.append))
    assert sum(done) == len(cells) == len(found)
    return found, ledger


def test_copies_are_seen_once(models: Path, photos: Path) -> None:
    encoder = image(models)
    counting = Counting(encoder)
    found, _ = embed([f"{n}.png" for n in range(10)], encoder, None, photos)
    assert counting.count == 5
    for n in range(5):
        np.testing.assert_array_equal(found[n][0], found[n + 5][0])  # type: ignore[index]
    assert len({sample[0].tobytes() for sample in found}) == 5  # type: ignore[index]


def test_the_second_run_computes_nothing(models: Path, photos: Path, tmp_path: Path) -> None:
    """And gives the same bits, with tokens and without."""
    cells: list[object] = [f"{n}.png" for n in range(10)]
    for config in (CONFIG, replace(CONFIG, tokens=4)):
        first, _ = embed(cells, image(models, config), Store(tmp_path / "c", 10**8), photos)
        encoder = image(models, config)
        second, _ = embed(cells, encoder, Store(tmp_path / "c", 10**8), photos)
        assert "backbone" not in vars(encoder), "the network was loaded"
        for one, other in zip(first, second, strict=True):
            for own, again in zip(one, other, strict=True):  # type: ignore[call-overload]
                np.testing.assert_array_equal(own, again)


def test_a_file_that_changed_is_seen_again(models: Path, photos: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "c", 10**8)
    before, _ = embed(["0.png"], image(models), store, photos)
    Image.new("RGB", (40, 50), "red").save(photos / "0.png")
    after, _ = embed(["0.png"], image(models), store, photos)
    assert np.abs(before[0][0] - after[0][0]).max() > 1e-3  # type: ignore[index]


def test_other_networks_have_other_vectors(models: Path, photos: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "c", 10**8)
    embed(["0.png"], image(models), store, photos)
    other = made_models.dinov2(tmp_path / "dinov2")
    encoder = Pretrained("image", str(other), CONFIG, 8, 30.0)
    counting = Counting(encoder)
    embed(["0.png"], encoder, store, photos)
    assert counting.count == 1
    assert store.contents().values == 2


def test_broken_cells_are_noted_in_every_run(models: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    (photos / "copy.png").write_bytes(b"no picture")
    cells = ["0.png", "broken.png", None, "gone.png", "copy.png"]
    for _ in range(2):
        found, ledger = embed(cells, image(models), Store(tmp_path / "c", 10**8), photos)
        assert [sample is None for sample in found] == [False, True, True, True, True]
        assert len(ledger) == 3


def test_texts_of_like_length_share_a_batch(models: Path, tmp_path: Path) -> None:
    encoder = Pretrained("text", str(models / "bert"), CONFIG, 8, 30.0)
    counting = Counting(encoder)
    texts: list[object] = ["a " * n for n in (9, 1, 5, 2, 8, 1, 7, 3)]
    found, _ = embed(texts, encoder, None, tmp_path, "text")
    assert counting.lengths == [[11, 10, 9], [7, 5, 4], [3]]
    alone = [encoder.preprocess(str(text).strip())[0] for text in texts]
    for own, sample in zip(alone, found, strict=True):
        np.testing.assert_allclose(sample[0], own, atol=1e-5)  # type: ignore[index]


@pytest.mark.parametrize(
    "make", [np.asarray, lambda p: p, lambda p: [p, p], lambda p: {"bytes": p}]
)
def test_pictures_that_are_no_files(models: Path, photos: Path, make) -> None:  # type: ignore[no-untyped-def]
    """Arrays, pictures of Pillow, lists and bytes have contents too."""
    encoder = image(models)
    counting = Counting(encoder)
    random = np.random.default_rng(0)
    first, second = (
        Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8)) for _ in range(2)
    )
    pictures = [first, second, first.copy()]
    contents = [(photos / f"{n}.png").read_bytes() for n in (0, 1, 5)]
    bytes_wanted = isinstance(make(pictures[0]), dict)
    cells = [make(p) for p in (contents if bytes_wanted else pictures)]
    found, ledger = embed(cells, encoder, None, photos)
    assert len(ledger) == 0
    assert counting.count == 2
    np.testing.assert_array_equal(found[0][0], found[2][0])  # type: ignore[index]
    assert not torch.equal(torch.tensor(found[0][0]), torch.tensor(found[1][0]))  # type: ignore[index]
