"""A model that writes: it needs both modalities, what lacks is missing, folders repeat it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from writer_settings import make_captions, small

import plait
from plait.data.table import Table
from plait.decoding.config import DecodingConfig
from plait.errors import ColumnError, ModelError, TableError
from plait.writer.writer import Writer


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Table:
    folder = tmp_path_factory.mktemp("fresh")
    return plait.read(make_captions(folder, 60, seed=7), folder=folder)


def test_it_writes_what_both_know(writer: Writer, fresh: Table) -> None:
    found = writer.predict(fresh)
    truth = fresh.values("caption")
    right = np.mean([one == other for one, other in zip(found.values, truth, strict=True)])
    assert right > 0.8
    assert len(found) == 60
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()


@pytest.mark.parametrize("column", ["photo", "text"])
def test_one_alone_is_right_in_half_of_the_rows(writer: Writer, fresh: Table, column: str) -> None:
    other = "text" if column == "photo" else "photo"
    found = writer.predict(fresh.drop([other]))
    truth = fresh.values("caption")
    right = np.mean([one == other for one, other in zip(found.values, truth, strict=True)])
    assert 0.2 < right < 0.75
    assert found.absent == (other,)


def test_evaluation_takes_rows_with_the_same_inputs_as_one(writer: Writer, fresh: Table) -> None:
    twice = {name: fresh.values(name) * 2 for name in fresh.columns}
    twice["caption"][60:] = ["Something else"] * 59 + [None]
    result = writer.evaluate(plait.read(twice, folder=fresh.folder))
    assert result.rows == 60
    assert result.left_out == 1
    assert all(len(known) == 2 for _, known in result.examples)
    assert result["exact_match"] > 0.8, "either of the references counts"
    score = result.scores["exact_match"]
    assert score.low <= score.value <= score.high


def test_a_row_of_nothing_gets_no_text(writer: Writer) -> None:
    found = writer.predict({"photo": [None, None], "text": ["a tiny thing", None]})
    assert found.values[0] is not None
    assert found.values[1] is None
    assert np.isnan(found.confidence[1])


def test_what_cannot_be_read_is_missing_and_noted(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    table = plait.read({"photo": ["broken.png"], "text": ["a tiny thing"]}, folder=tmp_path)
    found = writer.predict(table)
    assert found.values[0]
    assert found.skipped.entries == {
        (0, "photo"): "not a picture that can be read (unknown format)"
    }


def test_columns_that_are_not_there(writer: Writer) -> None:
    with pytest.raises(TableError, match="has none of the columns that the model reads"):
        writer.predict({"colour": ["red"]})
    with pytest.raises(ColumnError, match="Column 'caption' is not in the table"):
        writer.evaluate({"text": ["a"]})
    with pytest.raises(TableError, match="No row has both a text in 'caption' and a cell to write"):
        writer.evaluate({"text": [None, "a"], "caption": ["A", None]})


def test_a_folder_repeats_it_to_the_bit(writer: Writer, fresh: Table, tmp_path: Path) -> None:
    folder = writer.save(tmp_path / "model")
    again = plait.load(folder)
    assert isinstance(again, Writer)
    one, two = writer.predict(fresh), again.predict(fresh)
    assert one.values == two.values
    np.testing.assert_array_equal(one.confidence, two.confidence)
    assert again.facts == json.loads(json.dumps(writer.facts))
    assert "exact_match" in (folder / "README.md").read_text()
    assert {p.suffix for p in folder.iterdir()} <= {".json", ".safetensors", ".md", ".csv"}
    with pytest.raises(ModelError, match="exists already"):
        writer.save(folder)


def test_the_same_seed_learns_the_same(writer: Writer, captions: Path) -> None:
    from plait.writer.learning import write

    torch.manual_seed(12345)  # what was drawn before does not matter
    again = write(str(captions), "caption:text", config=small())
    for name, value in writer.network.state_dict().items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, again.network.state_dict()[name]), name


def test_candidates(writer: Writer, fresh: Table) -> None:
    some = fresh.take(range(4))
    beams = writer.predict(some, decoding=DecodingConfig("beam", beams=4), candidates=3)
    assert all(len(own) == 3 for own in beams.candidates)
    assert [own[0] for own in beams.candidates] == writer.predict(some).values
    hot = DecodingConfig("sample", temperature=3.0, top_p=1.0)
    one, same, other = (
        writer.predict(some, decoding=hot, candidates=4, seed=seed).candidates for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_batches_change_nothing(writer: Writer, fresh: Table) -> None:
    one, two = (writer.predict(fresh, decoding=DecodingConfig(batch_size=size)) for size in (7, 64))
    assert one.values == two.values
    np.testing.assert_allclose(one.confidence, two.confidence, rtol=1e-4)


def test_a_stream_is_the_text_in_pieces(writer: Writer, fresh: Table) -> None:
    row = fresh.take([3])
    pieces = list(writer.stream(row))
    assert len(pieces) > 1
    assert "".join(pieces).strip() == writer.predict(row).values[0]
