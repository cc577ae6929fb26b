"""The model card: written from the facts of the model, nothing by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.config import from_json
from plait.data.loader import Source
from plait.encoders.pretrained.encoder import Pretrained
from plait.ensemble.race import Dropped
from plait.parts import Parts
from plait.tasks.target import Target


def columns_table(sources: Sequence[Source]) -> str:
    """Return a Markdown table of the columns that are read, what they hold, and why."""
    rows = (
        f"| {column.name} | {column.modality.value} | {column.evidence} |"
        for source in sources
        for column in source.columns
    )
    return "\n".join(["| column | modality | evidence |", "| --- | --- | --- |", *rows])


def scores_table(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table of scores with their intervals, as JSON has them."""
    rows = (
        f"| {name} | {own['value']:.4f} [{own['low']:.4f}, {own['high']:.4f}] |"
        for name, own in scores.items()
        if own["value"] is not None
    )
    return "\n".join(["| metric | value |", "| --- | --- |", *rows])


def model_card(model: Parts) -> str:
    """Return the card as Markdown: what it reads, how it scored, what it cannot."""
    facts = model.facts
    left_out = [
        f"| {column.name} | {column.left_out} |"
        for column in model.schema.columns
        if column.left_out and column.left_out != "target"
    ]
    parts = [
        f"# A plait model of `{model.target.name}`",
        _what(model),
        f"## What it reads\n\n{columns_table(model.sources)}",
    ]
    networks = [
        f"- `{encoder.name}` for {name} (`{encoder.facts.get('network', '')}`)"
        for name, encoder in model.encoders.items()
        if isinstance(encoder, Pretrained)
    ]
    if networks:
        parts.append(
            "Pretrained networks, not stored here; their own licences and limits hold too:\n\n"
            + "\n".join(networks)
        )
    if left_out:
        parts.append("Left out:\n\n| column | reason |\n| --- | --- |\n" + "\n".join(left_out))
    if "board" in facts:
        parts.append("## How it scored\n\n" + _board(facts))
    if "distilled" in facts:
        parts.append("## How it scored, beside its teacher\n\n" + _beside(facts))
    parts.append(
        "## Limits\n\n"
        "- The scores hold for rows like those it learned from; nothing is promised for others.\n"
        + (_CHOSEN if "board" in facts else "")
        + "- Any column may be missing in a row, at a loss; `plait explain` shows what each one "
        "adds.\n"
        "- Probabilities are as the models gave them; they were not calibrated afterwards."
    )
    parts.append(
        "## Made by\n\n"
        + "\n".join(f"- {name} {version}" for name, version in facts.get("versions", {}).items())
        + f"\n- seed {model.config.seed}"
        + f"\n- data fingerprint `{facts.get('fingerprint', 'unknown')}`"
    )
    return "\n\n".join(parts) + "\n"


_CHOSEN = (
    "- The winner was chosen on the rows it is scored on, so its score is a little too good; a "
    "test set of your own (`plait evaluate`) is not.\n"
)


def _what(model: Parts) -> str:
    several = bool(model.target.parts)
    kind = ", ".join(
        (f"`{part.name}`, " if several else "") + _kind(part) for part, _ in model.target.each
    )
    facts = model.facts
    rows = f", from {facts['rows']:,} rows" if "rows" in facts else ""
    experts = ", ".join(f"`{name}`" for name in model.experts)
    return f"It predicts {kind}{rows}. Entrant `{model.entrant.name}`, made of {experts}."


def _kind(target: Target) -> str:
    match target.kind:
        case "classify":
            return f"one of {len(target.labels)} classes"
        case "multilabel":
            return f"any of {len(target.labels)} labels"
    return "a number"


def _board(facts: dict[str, Any]) -> str:
    board = facts["board"]
    lines = [
        f"| {line['name']}{' (saved)' if line['name'] == board['winner'] else ''} "
        f"| {line['score']['value']:.4f} "
        f"| {line['score']['low']:.4f} to {line['score']['high']:.4f} |"
        for line in board["lines"]
    ]
    head = f"| entrant | {board['metric']} | 95 % interval |\n| --- | --- | --- |\n"
    said = " ".join(filter(None, [facts.get("sentence"), facts.get("note")]))
    text = head + "\n".join(lines) + f"\n\n{said}"
    for left in board.get("dropped", ()):
        text += f"\n\n{from_json(Dropped, left).sentence}"
    if "test" in facts:
        scores = ", ".join(f"{k} {v['value']:.4f}" for k, v in facts["test"]["scores"].items())
        text += f"\n\nOn {facts['test']['rows']} test rows kept apart: {scores}."
    return text


def _beside(facts: dict[str, Any]) -> str:
    distilled = facts["distilled"]
    judged = distilled["beside"]
    lines = [
        f"| {side['name']} | {_score(side['score'])} | {side['rows_per_second']:,.0f} "
        f"| {side['megabytes']:,.1f} |"
        for side in judged["sides"]
    ]
    head = f"| | {judged['metric']}, 95 % interval | rows/s | MB |\n| --- | --- | --- | --- |\n"
    return (
        head + "\n".join(lines) + f"\n\nOn {judged['rows']:,} rows. {facts['sentence']}\n\n"
        f"The teacher is `{distilled['teacher']}`; temperature "
        f"{distilled['config']['temperature']:g}, weight of the truth "
        f"{distilled['config']['alpha']:g}, of the teacher's Features "
        f"{distilled['config']['beta']:g}."
    )


def _score(score: dict[str, float] | None) -> str:
    if score is None:
        return "not known"
    return f"{score['value']:.4f}, {score['low']:.4f} to {score['high']:.4f}"
