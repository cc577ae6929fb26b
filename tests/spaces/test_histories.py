"""Histories in align: order counts, the future does not, items are read by their own tower."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import made_models
import numpy as np
import pandas as pd
import pytest
import torch
from command_line import here
from made_histories import KINDS, items, kind_of, made_rows, table

import plait
from plait.cache import encode
from plait.data.histories import HistoryColumn, with_histories
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.encoders.config import choose_encoders, fine_tuned
from plait.encoders.history import HistoryConfig
from plait.errors import ColumnError, ConfigError, TableError
from plait.progress import Progress
from plait.search.query import Query
from plait.spaces import training
from plait.spaces.histories import histories_in
from plait.spaces.material import Material
from plait.spaces.space import AlignConfig, Space
from plait.spaces.training import Learned
from plait.spaces.vectors import embed_groups
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
MADE = "history=item of user by time"
SAID = {"item.words": "text"}
STEPS, LATE = 14, 1100
TRAIN = TrainConfig(epochs=20, least_steps=200, batch_size=128, learning_rate=5e-3, patience=20,
                    modality_dropout=0.0)  # fmt: skip
CONFIG = AlignConfig(task=AlignTaskConfig(width=32), train=TRAIN, history=HistoryConfig(longest=4))
SHORT = replace(CONFIG, train=replace(TRAIN, epochs=2, least_steps=4))


def parted(rows: dict[str, list[Any]] | None = None, users: int = 160) -> Table:
    """Return choices, the latest of which are for judging alone."""
    rows = made_rows(users, STEPS) if rows is None else rows
    return table({**rows, "part": ["test" if t >= LATE else "train" for t in rows["time"]]})


def learned(rows: Table, config: AlignConfig = CONFIG, **more: Any) -> Space:
    given = {"histories": [MADE], "modalities": SAID, "split": "column:part"} | more
    return plait.align(rows, "history", "item", config=config, progress=QUIET, **given)


def right_kinds(space: Space, rows: Table) -> float:
    """Return how often the nearest item is of the kind that came."""
    late = np.array(rows.values("time")) >= LATE
    asks = space.vectors(rows, "history")[late]
    nearest = (asks @ space.vectors(items(), "item").T).argmax(axis=1)
    kinds = np.array([kind_of(key) for key in items()["item"]])
    truth = np.array([kind_of(key) for key in rows.values("item")])[late]
    return float((kinds[nearest] == truth).mean())


@cache
def many_kinds() -> list[list[int]]:
    """Return the kinds that each of many users chose, in order."""
    told = defaultdict(list)
    for user, item, _ in sorted(
        zip(*made_rows(2000, STEPS, seed=7).values(), strict=True), key=lambda row: row[2]
    ):
        told[user].append(kind_of(item))
    return list(told.values())


def best_of(what: Callable[[list[int]], object]) -> float:
    """Return how often the kind that mostly follows something of the last two kinds comes."""
    counts: dict[object, Counter[int]] = defaultdict(Counter)
    for kinds in many_kinds():
        for place in range(4, STEPS):
            counts[what(kinds[place - 2 : place])][kinds[place]] += 1
    found = counts.values()
    return sum(max(one.values()) for one in found) / sum(one.total() for one in found)


@pytest.fixture(scope="module")
def space() -> Space:
    return learned(parted())


def test_the_order_of_the_last_two_tells_what_comes(space: Space) -> None:
    """Better than anything could be that knows the last alone, or both without their order."""
    assert best_of(tuple) > 0.82
    found = right_kinds(space, parted())
    assert found > best_of(lambda two: tuple(sorted(two))) + 0.02
    assert found > best_of(lambda two: two[1]) + 0.06
    mean = replace(CONFIG, history=HistoryConfig("mean", longest=4))
    assert right_kinds(learned(parted(), mean), parted()) < 0.6


def test_the_future_changes_nothing_before(space: Space) -> None:
    rows = made_rows(20, STEPS)
    changed = {
        **rows,
        "item": [
            f"i{(int(item[1:]) + 7) % 30}" if time >= 600 else item
            for item, time in zip(rows["item"], rows["time"], strict=True)
        ],
    }
    time = np.array(rows["time"])
    own, other = (space.vectors(table(one), "history") for one in (rows, changed))
    early = table(rows).take(np.flatnonzero(time < 600))
    np.testing.assert_array_equal(own[time < 600], space.vectors(early, "history"))
    np.testing.assert_array_equal(own[time < 700], other[time < 700])  # what is now is not before
    assert (np.abs(own - other)[time >= 700].max(axis=1) > 1e-6).all()


def test_what_is_learned_does_not_know_what_comes_later() -> None:
    rows = made_rows(30, STEPS)
    later = [f"i{(int(item[1:]) + 7) % 30}" if time >= LATE else item
             for item, time in zip(rows["item"], rows["time"], strict=True)]  # fmt: skip
    one, other = (learned(parted(own), SHORT) for own in (rows, {**rows, "item": later}))
    assert one.facts["fingerprint"] != other.facts["fingerprint"]
    for name, weight in one.network.state_dict().items():
        if isinstance(weight, torch.Tensor):
            torch.testing.assert_close(weight, other.network.state_dict()[name], rtol=0, atol=0)


def test_cells_of_keys_are_read_as_what_was_made(space: Space) -> None:
    rows = {"user": ["u"] * 3, "item": ["i1", "i7", "i29"], "time": [1, 2, 3]}
    made = space.vectors(table(rows), "history")
    assert np.isnan(made[0]).all()
    cells = {"history": [None, "i1", "i1|i7", ["i1", "i7"], "i29|i1|i1|i1|i1|i7"]}
    found = space.vectors(cells, "history")
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:4], made[[1, 2, 2]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found[1:], axis=1), 1, atol=1e-5)
    newest = space.vectors({"history": ["i1|i1|i1|i7"]}, "history")
    np.testing.assert_allclose(found[4], newest[0], atol=1e-6)


def test_items_are_read_as_the_space_reads_them(space: Space) -> None:
    """While it learns it is of numbers that the tower reads, and then of the space's vectors."""
    known = space.items["history"]
    assert known.keys == tuple(items()["item"])
    np.testing.assert_allclose(known.vectors, space.vectors(items(), "item"), atol=1e-6)
    ((history, tower),) = histories_in(space.network).values()
    assert not tower.content
    samples = table(made_rows(3)).take(np.arange(30))
    content = space.encode(samples, space.groups["item"], Ledger(), QUIET)
    tower.network = space.network
    tower.content = {"item.words": content.features["item.words"]}
    keys = samples.values("item")
    numbers = [np.array([3, 5, 9]), np.array([7])]
    looked = [known.vectors[[known.keys.index(keys[n]) for n in own]] for own in numbers]
    torch.testing.assert_close(history(numbers).pooled, history(looked).pooled)
    tower.network, tower.content = None, {}


def test_histories_teach_the_tower_of_the_items(space: Space) -> None:
    ((history, tower),) = histories_in(space.network).values()
    tower.network = space.network
    rows = encode(dict(space.encoders), {"item.words": items()["words"], "history": [None] * 30},
                  np.arange(30))  # fmt: skip
    tower.content = dict(rows.features)
    (layer,) = [tower.towers.last_layers[tower.group]]
    layer.weight.grad = None
    history.train()([np.array([1, 8])]).pooled.square().sum().backward()
    assert layer.weight.grad is not None
    assert float(layer.weight.grad.abs().sum()) > 0
    history.eval()
    space.network.zero_grad()
    tower.network, tower.content = None, {}


def test_saved_and_read_again(space: Space, tmp_path: Path) -> None:
    again = plait.load(space.save(tmp_path / "space"))
    rows = parted(users=9)
    for group in space.groups:
        np.testing.assert_array_equal(space.vectors(rows, group), again.vectors(rows, group))
    assert space.evaluate(rows) == again.evaluate(rows)
    assert again.evaluate(rows)[0].scores["recall@10"].value > 0.6
    assert (
        "| history | history | history | item of user by time |"
        in (tmp_path / "space" / "README.md").read_text()
    )


def test_a_space_of_before_there_were_histories(tmp_path: Path) -> None:
    rows = {"words": items()["words"], "kind": [KINDS[kind_of(k)] for k in items()["item"]]}
    old = plait.align(rows, "words", "kind", modalities=dict.fromkeys(rows, "text"),
                      config=SHORT, progress=QUIET)  # fmt: skip
    path = old.save(tmp_path / "space") / "plait.json"
    document = json.loads(path.read_text())
    del document["histories"], document["config"]["history"]
    path.write_text(json.dumps(document))
    found = plait.load(tmp_path / "space").vectors(rows, "words")
    np.testing.assert_array_equal(found, old.vectors(rows, "words"))


def test_a_new_item_counts_by_its_content(space: Space) -> None:
    """An item that nobody knew, of the kind of another, does in a history what the other does."""
    known = items()
    new = {"item": [*known["item"], "new"], "words": [*known["words"], known["words"][8]]}
    rows = {"user": ["u", "u", "v", "v"], "item": ["new", "i1", "i8", "i1"], "time": [1, 2, 1, 2]}
    found = space.vectors(plait.read(rows, join={"item": new}), "history")
    np.testing.assert_allclose(found[1], found[3], atol=1e-5)
    ledger = Ledger()
    alone = space.vectors({"history": ["new|i1"]}, "history", ledger=ledger)
    assert ledger.entries == {(0, "history"): "not known: new"}
    nobody, ledger = {**rows, "user": [None] * 4}, Ledger()
    space.vectors(plait.read(nobody, join={"item": new}), "item", ledger=ledger)
    assert not ledger.entries  # of who chose them, items want to know nothing
    assert np.isfinite(alone).all()


@pytest.mark.parametrize("loss", ["siglip", "filip"])
def test_every_loss(loss: Literal["siglip", "filip"]) -> None:
    found = learned(parted(users=70), replace(CONFIG, task=AlignTaskConfig(loss, width=32)))
    assert right_kinds(found, parted(users=70)) > 0.55  # 0.67 by the last alone, by chance 0.2


def test_beside_columns_of_the_user() -> None:
    rows = made_rows(12, STEPS)
    rows["age"] = [20 + int(user[1:]) % 9 + 0.5 for user in rows["user"]]
    said = {**SAID, "age": "number"}
    found = plait.align(table(rows), "age,history", "words", histories=[MADE], key="user",
                        modalities=said, config=SHORT, progress=QUIET)  # fmt: skip
    assert found.facts["retrieval"][0]["query"] == "age,history"
    assert np.isfinite(found.vectors({"age": [30.5]}, "age,history")).all()
    assert not found.facts["apart"]


def test_rows_of_one_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key they are no negatives; they are held out together, and judged by time."""
    seen: list[Material] = []
    learned_from: list[np.ndarray] = []

    def learn(material: Material, numbers: np.ndarray, *rest: Any) -> Learned:
        seen.append(material)
        learned_from.append(numbers)
        return training.learn(material, numbers, *rest)

    monkeypatch.setattr("plait.spaces.aligning.learn", learn)
    rows = parted(made_rows(6, STEPS))
    learned(rows, SHORT, key="user")
    learned(rows, SHORT, split=None)
    users = np.array(rows.values("user"))
    same = users[:, None] == users
    with_key, without = seen[0], seen[-1]
    earlier, everything = learned_from[1:]
    times = np.array(rows.values("time"))
    assert len(everything) == len(rows)
    assert times[earlier].max() < np.delete(times, earlier).min()  # judged on what came later
    np.testing.assert_array_equal(with_key.keys[:, 2][:, None] == with_key.keys[:, 2], same)
    assert without.keys.shape[1] == 2
    for material in seen:
        np.testing.assert_array_equal(material.together[:, None] == material.together, same)


def test_stated_histories_are_learned_from_as_made_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Material] = []

    def learn(material: Material, *rest: Any) -> Learned:
        seen.append(material)
        return training.learn(material, *rest)

    monkeypatch.setattr("plait.spaces.aligning.learn", learn)
    rows = made_rows(6, STEPS)
    cells = with_histories(table(rows), [HistoryColumn.parse(MADE)], 9, Ledger()).values("history")
    stated = {**rows, "history": ["|".join(own) for own in cells]}
    stated["history"][5] = "i1|nothing"
    learned(parted(rows), SHORT)
    space = learned(parted(stated), SHORT, histories=["history=item"])
    assert space.ledger.entries == {(5, "history"): "not known: nothing"}
    one, other = (list(material.rows.raw["history"]) for material in seen)
    one[5] = np.array([1])
    for made, read in zip(one, other, strict=True):
        assert (made is None) == (read is None)
        assert made is None or made.tolist() == read.tolist()


def test_batches_in_parts_learn_the_same() -> None:
    """The gradient of histories, too, is that of the whole batch (gradient caching)."""
    rows, still = parted(made_rows(10, STEPS)), replace(CONFIG.history, dropout=0.0)
    task = replace(CONFIG.task, noise=0.0)
    whole, parts = (
        learned(rows, replace(CONFIG, task=task, history=still, train=replace(
            TRAIN, epochs=1, least_steps=3, accumulate=count)))
        for count in (1, 3)
    )  # fmt: skip
    for group in whole.groups:
        np.testing.assert_allclose(
            whole.vectors(rows, group), parts.vectors(rows, group), atol=1e-4
        )


def test_encoders_that_learn_with_it(tmp_path: Path) -> None:
    """From scratch, tuned or frozen: one encoder reads the words, in rows and in histories."""
    rows, short = table(made_rows(12, 8)), replace(TRAIN, epochs=1, least_steps=3, batch_size=32)
    bert = made_models.sentence(tmp_path / "bert", "mean")
    scratch = choose_encoders(["text=transformer"])
    tuned = fine_tuned(choose_encoders([f"text={bert}"]), "all")
    frozen = choose_encoders([f"text={bert}"])
    for encoders, own in ((scratch, ["item.words"]), (tuned, ["item.words"]), (frozen, [])):
        config = replace(CONFIG, encoders=encoders, train=short, deep=short, tuned=short)
        space = plait.align(rows, "history", "item", histories=[MADE], modalities=SAID,
                            config=config, progress=QUIET)  # fmt: skip
        assert sorted(space.network.by_name) == ["history", *own]
        found = space.vectors(rows, "history")
        known = space.vectors(items(), "item")
        np.testing.assert_allclose(space.items["history"].vectors, known, atol=1e-5)
        again = plait.load(space.save(tmp_path / "space", overwrite=True))
        np.testing.assert_allclose(again.vectors(rows, "history"), found, atol=1e-6)


def test_embedded_and_searched_from_the_command_line(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lancedb")
    monkeypatch.chdir(tmp_path)
    space.save(tmp_path / "space")
    pd.DataFrame(items()).to_csv(tmp_path / "items.csv", index=False)
    users = {"name": ["ann", "bob", "cid"], "history": ["i1|i7", "i9,i4000", None]}
    pd.DataFrame(users).to_csv(tmp_path / "users.csv", index=False)
    said = here("embed", "space", "users.csv", "-o", "users.parquet")
    assert "history: 2 vectors of 32 numbers, 1 row missing" in said
    assert "0 1" not in said
    found = pd.read_parquet(tmp_path / "users.parquet")
    assert list(found) == ["name", "history", "history_vector"]
    np.testing.assert_allclose(
        found["history_vector"][0], space.vectors({"history": ["i1|i7"]}, "history")[0], atol=1e-6
    )
    skipped = (tmp_path / "users.skipped.csv").read_text()
    assert skipped.splitlines()[1:] == ["1,history,not known: i4000"]
    here("index", "space", "items.csv", "-o", "items.lance", "--group", "item")
    shown = here("search", "items.lance", "--cell", "history=i1|i7", "-k", 3)
    asked, known = space.vectors({"history": ["i1|i7"]}, "history"), space.items["history"].vectors
    best = np.argsort(-(known @ asked[0]))[:3]
    assert all(items()["words"][number] in shown for number in best)


def test_learned_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(made_rows(9, STEPS)).to_csv("rows.csv", index=False)
    pd.DataFrame(items()).to_csv("items.csv", index=False)
    train = {"epochs": 1, "least_steps": 2}
    (tmp_path / "settings.json").write_text(json.dumps({"task": {"width": 16}, "train": train}))
    said = here("align", "rows.csv", "--left", "history", "--right", "words", "--history", MADE,
                "--join", "item=items.csv", "--text", "item.words", "--key", "user", "--logq",
                "--config", "settings.json")  # fmt: skip
    assert "history  words" in said
    found = Space.load(tmp_path / "space")
    assert found.config.task.logq
    assert found.items["history"].column == HistoryColumn.parse(MADE)
    assert found.vectors({"history": ["i1|i7"]}, "history").shape == (1, 16)


def test_an_index_of_rows_with_histories(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written in blocks, and what was before a row may stand in another block."""
    pytest.importorskip("lancedb")
    monkeypatch.setattr("plait.search.rows.ROWS_A_BLOCK", 7)
    rows = made_rows(2, STEPS)
    index = plait.index(space, rows, tmp_path / "rows.lance", group="history", progress=QUIET)
    asked = [f"{rows['item'][3]}|i4", "i1|i7"]
    found = space.vectors(rows, "history")
    for cells in asked:
        (own,) = space.vectors({"history": [cells]}, "history")
        best = np.nanargmax(found @ own)
        assert index.search(Query.cells({"history": cells}), k=1).hits[0].row == best


def test_embedding_in_python(space: Space) -> None:
    found = embed_groups(space, parted(users=3), progress=QUIET)
    assert list(found.columns) == ["history", "item"]
    assert list(embed_groups(space, items(), progress=QUIET).columns) == ["item"]
    with pytest.raises(TableError, match="The table has no column of any group of the space"):
        embed_groups(space, {"price": [1.0]}, progress=QUIET)
    with pytest.raises(ConfigError, match="Group of columns 'film' is not known"):
        embed_groups(space, items(), ["film"], progress=QUIET)


def test_bad_embedding_from_the_command_line(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space.save(tmp_path / "space")
    pd.DataFrame(items()).to_csv(tmp_path / "items.csv", index=False)
    said = here("embed", "space", "items.csv", "--text", "words", ok=False)
    assert "A space knows what it reads" in said
    said = here("embed", "items.csv", "--group", "item", ok=False)
    assert "--group is one of a space" in said


def test_bad_histories() -> None:
    def run(left: str = "history", right: str = "item", **more: Any) -> None:
        learned(parted(users=20), **{"split": None, **more}) if right == "item" else plait.align(
            parted(users=20), left, right, histories=[MADE], modalities=SAID, progress=QUIET
        )

    with pytest.raises(ConfigError, match="History 'user by time' is not known; write NAME=ITEM"):
        run(histories=["user by time"])
    with pytest.raises(ColumnError, match="Column 'film' is not in the table"):
        run(histories=["history=film of user by time"])
    with pytest.raises(ColumnError, match="History 'seen' is in no group of columns"):
        run(histories=[MADE, "seen=item of user by time"])
    with pytest.raises(ColumnError, match="The items of history 'history' are read as a group of"):
        run(right="part")
    with pytest.raises(ConfigError, match="A width of 30 cannot be shared by 4 heads"):
        run(config=replace(CONFIG, task=AlignTaskConfig(width=30), history=HistoryConfig()))
    with pytest.raises(ConfigError, match="Setting 'longest' must be between 1 and 10000"):
        HistoryConfig(longest=0)
    assert HistoryColumn.parse(MADE).who == "user"
