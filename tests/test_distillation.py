"""distil, from a teacher and a table to a student beside it: learning, reading less, refusing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

import plait
from plait.config import from_json
from plait.data.quality import Ledger
from plait.distillation import CONTROL, TEACHER, Distilled, identity_of, joined, truths
from plait.ensemble.network_expert import NetworkExpert
from plait.errors import ColumnError, ConfigError, ModelError, TableError
from plait.progress import Progress
from plait.report.files import distilled_columns
from plait.report.tables import distilled_table
from plait.student import NAME
from plait.train.distil import DistilConfig

QUIET = Progress(show=False)
CONFIG = plait.FitConfig(folds=2)


@pytest.fixture(scope="module")
def teacher(things: Path) -> plait.Model:
    return plait.fit(things, "kind", ignore=["price"], config=CONFIG, progress=QUIET)


@pytest.fixture(scope="module")
def unlabelled(new_things: Path):
    return plait.read(new_things).drop(["kind", "price"])


@pytest.fixture(scope="module")
def few(things: Path):
    """Rows to judge on where it does not matter how well."""
    return plait.read(things).take(range(40))


@pytest.fixture(scope="module")
def half(new_things: Path):
    """Ten rows with a label, fifty without."""
    table = plait.read(new_things)
    kinds = [kind if row < 10 else None for row, kind in enumerate(table.values("kind"))]
    return table.with_column("kind", kinds)


@pytest.fixture(scope="module")
def student(teacher: plait.Model, half, things: Path) -> plait.Model:
    return distil(teacher, half, test=things)


def distil(teacher: plait.Model, table, **more) -> plait.Model:
    return plait.distil(teacher, table, progress=QUIET, **more)


def found(student: plait.Model) -> Distilled:
    return from_json(Distilled, student.facts["distilled"])


def test_the_teacher_of_rows_without_a_label_is_learned_from(student: plait.Model) -> None:
    """Each modality alone is right in half of the rows; ten labels are too few for both."""
    judged = found(student).beside
    assert [side.name for side in judged.sides] == [TEACHER, NAME, CONTROL]
    assert judged[NAME].score.value > 0.8
    assert judged[CONTROL].lead.low > 0.1
    assert judged[NAME].agreement > judged[CONTROL].agreement
    assert judged[NAME].lead is judged[TEACHER].agreement is None
    assert found(student).sentence.startswith("Learning from the teacher helped: accuracy +")
    assert (found(student).rows, found(student).labelled, judged.rows) == (60, 10, 160)


def test_no_label_at_all(teacher: plait.Model, unlabelled, things: Path) -> None:
    student = distil(teacher, unlabelled)
    judged = found(student).beside
    assert [side.name for side in judged.sides] == [TEACHER, NAME]
    assert judged[NAME].score is judged[TEACHER].lead is None
    assert judged[NAME].agreement > 0.6
    assert (found(student).rows, found(student).labelled, judged.rows) == (48, 0, 12)
    assert found(student).sentence.startswith("The student is ")
    assert distilled_columns(found(student))["accuracy"] == [None, None]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(distilled_table(found(student)))
    assert "Learned from 48 rows, 0 of them with a label; judged on 12 rows" in (
        console.export_text()
    )
    assert student.evaluate(things, QUIET)["accuracy"] > 0.8


def test_it_is_smaller_and_says_who_taught_it(student: plait.Model, teacher: plait.Model) -> None:
    judged = found(student).beside
    assert 0 < judged[NAME].megabytes < judged[TEACHER].megabytes
    assert all(side.rows_per_second > 0 for side in judged.sides)
    assert found(student).teacher == identity_of(teacher)
    assert found(student).config == DistilConfig()
    assert found(student).columns == ("photo", "text", "weight")
    assert set(student.facts) >= {"rows", "fingerprint", "versions", "sentence", "skipped"}


def test_fewer_columns_are_enough_to_predict(teacher: plait.Model, half, things: Path) -> None:
    student = distil(teacher, half, columns=["photo"], size="tiny", test=things)
    assert student.columns == ["photo"]
    assert student.read == student.sources
    assert [source.name for source in student.sources] == ["photo"]
    assert 0.4 < student.evaluate(things, QUIET)["accuracy"] < 0.65
    without = plait.read(things).drop(["text", "weight"])
    assert np.array_equal(
        student.predict(things, QUIET).scores, student.predict(without, QUIET).scores
    )
    assert found(student).beside[NAME].megabytes < 1


def test_one_of_several_tabular_columns(things: Path, new_things: Path) -> None:
    teacher = plait.fit(things, "kind", ignore=["photo"], config=CONFIG, progress=QUIET)
    student = distil(teacher, new_things, columns=["price"])
    assert student.columns == ["price"]
    assert student.schema["weight"].left_out == "not for the student"


def test_saved_and_loaded_in_a_fresh_process_it_is_the_same_to_the_bit(
    student: plait.Model, new_things: Path, tmp_path: Path
) -> None:
    folder = student.save(tmp_path / "student")
    code = (
        "import sys, plait\n"
        f"scores = plait.load({str(folder)!r}).predict({str(new_things)!r}).scores\n"
        "print(scores.tobytes().hex())\n"
        "print([m for m in sys.modules if m.startswith(('plait.distil', 'plait.train.distil'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scores, modules = run.stdout.split("\n")[:2]
    assert scores == student.predict(new_things, QUIET).scores.tobytes().hex()
    assert modules == "[]"
    assert json.loads((folder / "plait.json").read_text())["facts"]["distilled"]
    card = (folder / "README.md").read_text()
    for words in ("beside its teacher", "| labels alone | 0.", identity_of_card(student), "MB |"):
        assert words in card
    assert "The winner was chosen" not in card
    assert student.explain(new_things)[0].contributions.keys() == {"photo", "text", "table"}


def identity_of_card(student: plait.Model) -> str:
    return f"The teacher is `{found(student).teacher}`; temperature 2"


def test_same_seed_same_numbers_to_the_bit(teacher: plait.Model, half, few) -> None:
    def scores(seed: int) -> np.ndarray:
        config = DistilConfig(seed=seed)
        student = distil(teacher, half, columns=["text"], test=few, config=config)
        return student.predict(few, QUIET).scores

    first = scores(0)
    assert np.array_equal(first, scores(0))
    assert not np.array_equal(first, scores(1))


def test_a_number_and_several_targets(things: Path, new_things: Path) -> None:
    teacher = plait.fit(things, ["kind", "price"], config=CONFIG, progress=QUIET)
    table = plait.read(new_things)
    prices = [None if row % 2 else value for row, value in enumerate(table.values("price"))]
    student = distil(teacher, table.with_column("price", prices), test=things)
    assert found(student).beside.metric == "mean"
    scores = student.evaluate(things, QUIET)
    assert scores["kind accuracy"] > 0.75
    assert scores["price r2"] > 0.5
    alone = distil(teacher, table.drop(["price"]), columns=["text"])
    assert found(alone).labelled == 0


def test_labels_and_numbers(things: Path, new_things: Path) -> None:
    def told(path: Path):
        table = plait.read(path)
        labels = [kind.replace(" ", "|") for kind in table.values("kind")]
        return table.drop(["kind"]).with_column("labels", labels)

    teacher = plait.fit(
        told(things), "labels:categories", ignore=["price"], config=CONFIG, progress=QUIET
    )
    student = distil(teacher, told(new_things).drop(["labels"]))
    assert student.evaluate(told(things), QUIET)["map"] > 0.9
    number = plait.fit(things, "price", ignore=["kind"], config=CONFIG, progress=QUIET)
    student = distil(number, plait.read(new_things).drop(["price"]))
    assert student.evaluate(things, QUIET)["r2"] > 0.5


def test_the_teachers_features_are_those_of_its_widest_network(
    teacher: plait.Model, things: Path
) -> None:
    encoded, _ = teacher.encode(plait.read(things), QUIET)
    networks = {n: e for n, e in teacher.experts.items() if isinstance(e, NetworkExpert)}
    without = replace(teacher, experts={n: e for n, e in teacher.experts.items()
                                        if n not in networks})  # fmt: skip
    features = [encoded.features[name].pooled for name in sorted(encoded.features)]
    assert joined(without, encoded)[:, :-3] == pytest.approx(torch.cat(features, dim=1).numpy())
    config = replace(CONFIG, fusion="projection")
    other = plait.fit(things, "kind", ignore=["price"], config=config, progress=QUIET)
    fused = [e for e in other.experts.values() if isinstance(e, NetworkExpert)]
    if fused:
        widest = max(fused, key=lambda e: len(e.sources))
        encoded, _ = other.encode(plait.read(things), QUIET)
        assert np.array_equal(joined(other, encoded), widest.vectors(encoded))


def test_the_features_are_learned_from(teacher: plait.Model, half, few) -> None:
    plain, hinted = (
        distil(teacher, half, columns=["text"], test=few, config=DistilConfig(beta=beta))
        for beta in (0.0, 5.0)
    )
    assert not np.array_equal(plain.predict(few, QUIET).scores, hinted.predict(few, QUIET).scores)


def test_the_table_that_the_teacher_learned_from_is_told(
    teacher: plait.Model, things: Path, new_things: Path
) -> None:
    student = distil(teacher, things)
    assert found(student).seen
    assert (
        "its own score here is too good, and its predictions tell less"
        in (student.facts["sentence"])
    )
    student = distil(teacher, things, test=new_things)
    assert "learned from this table: its predictions tell less" in student.facts["sentence"]


def test_groups_stay_on_one_side(teacher: plait.Model, new_things: Path) -> None:
    table = plait.read(new_things)
    groups = [str(row // 20) for row in range(len(table))]
    table = table.with_column("owner", groups)
    kinds = [kind if row < 30 else None for row, kind in enumerate(table.values("kind"))]
    student = distil(teacher, table.with_column("kind", kinds), split="group:owner")
    result = found(student)
    assert result.beside.rows in (10, 20)  # rows of the group that have a label
    assert result.rows in (40, 60)


def test_rows_with_nothing_to_read_teach_nothing(teacher: plait.Model, unlabelled) -> None:
    empty = [None if row % 3 == 0 else text for row, text in enumerate(unlabelled.values("text"))]
    student = distil(teacher, unlabelled.with_column("text", empty), columns=["text"])
    assert found(student).rows <= 48
    nothing = unlabelled.with_column("text", [None] * len(unlabelled))
    with pytest.raises(TableError, match="No row that the student could .* anything in 'text'"):
        distil(teacher, nothing, columns=["text"])
    for name in ("photo", "weight"):
        nothing = nothing.with_column(name, [None] * len(nothing))
    with pytest.raises(TableError, match="No row has anything that the teacher can read"):
        distil(teacher, nothing)


def test_a_class_that_is_new_to_the_teacher_is_no_truth(teacher: plait.Model, half) -> None:
    kinds = ["round" if row == 3 else kind for row, kind in enumerate(half.values("kind"))]
    table = half.with_column("kind", kinds)
    truth = truths(teacher, table, Ledger())
    assert truth[3].tolist() == [0, 0, 0, 0]
    assert np.isnan(truth[10:]).all()
    assert truth[:10].sum() == 9
    student = distil(teacher, table, test=table)
    assert found(student).labelled == 9
    assert found(student).beside.rows == 10


def test_cells_that_cannot_be_read_are_listed(things: Path, few, new_things: Path) -> None:
    number = plait.fit(things, "price", ignore=["kind"], config=CONFIG, progress=QUIET)
    table = plait.read(new_things)
    prices = ["cheap" if row == 4 else value for row, value in enumerate(table.values("price"))]
    photos = ["no.png" if row == 5 else value for row, value in enumerate(table.values("photo"))]
    table = table.with_column("price", prices).with_column("photo", photos)
    student = distil(number, table, test=few)
    assert set(student.ledger.entries) == {(4, "price"), (5, "photo")}
    assert student.facts["skipped"] == {"price": 1, "photo": 1}


def test_a_journal_goes_on_and_is_removed(
    teacher: plait.Model, half, few, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journal"

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("plait.train.checkpoint.SECONDS", 0.0)
        patch.setattr("plait.distillation.beside", killed)
        with pytest.raises(KeyboardInterrupt):
            distil(teacher, half, columns=["text"], test=few, journal=journal)
    names = {path.name for path in journal.iterdir()}
    assert "journal.json" in names
    assert len(names) == 3  # the trainings of the student, and of its control
    with pytest.raises(ModelError, match="journal of another run: settings"):
        distil(
            teacher,
            half,
            columns=["text"],
            test=few,
            journal=journal,
            config=DistilConfig(alpha=0.1),
        )
    again = distil(teacher, half, columns=["text"], test=few, journal=journal)
    assert not journal.exists()
    whole = distil(teacher, half, columns=["text"], test=few)
    assert np.array_equal(again.predict(few, QUIET).scores, whole.predict(few, QUIET).scores)


def test_wrong_use_is_told(teacher: plait.Model, half, unlabelled, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Size 'smal' is not known. Did you mean 'small'"):
        distil(teacher, half, size="smal")
    with pytest.raises(ColumnError, match="'foto' is none that the teacher .* mean 'photo'"):
        distil(teacher, half, columns=["foto"])
    with pytest.raises(ColumnError, match="Column 'photo' is not in the table"):
        distil(teacher, half.drop(["photo"]), columns=["photo"])
    with pytest.raises(ColumnError, match="'kind' is none that the teacher learned to read"):
        distil(teacher, half, columns=["kind"])
    with pytest.raises(ConfigError, match="A student of no columns would read nothing"):
        distil(teacher, half, columns=[])
    with pytest.raises(TableError, match="none of the columns that the model reads"):
        distil(teacher, half.drop(["photo", "text", "weight"]))
    with pytest.raises(TableError, match="No row of the test has a value of target 'kind'"):
        distil(teacher, half, test=unlabelled)
    with pytest.raises(ModelError, match="There is no model folder"):
        plait.distil(tmp_path / "nothing", half)
    with pytest.raises(TableError, match="Found 1 rows to learn from"):
        distil(teacher, half.take([0]))
