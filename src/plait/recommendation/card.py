"""What a person should know of a recommender, as Markdown."""

from __future__ import annotations

from typing import Any

from plait.config import from_json
from plait.data.reference import joined_name
from plait.evaluate.recommend import DECIDES, RecommendBoard
from plait.recommendation.sides import Side

SCORES = (DECIDES, "recall@10", "nDCG@20", "recall@20")


def card(sides: tuple[Side, Side], choices: int, facts: dict[str, Any]) -> str:
    """Return the card of a recommender.

    Args:
        sides: users and items.
        choices: that were learned from.
        facts: of the recommender.
    """
    columns = "\n".join(
        f"| {side.column} | {joined_name(side.column, c.name)} | {c.modality.value} | "
        f"{c.evidence} |"
        for side in sides for source in side.sources for c in source.columns
    )  # fmt: skip
    read = f"| of | column | modality | evidence |\n| --- | --- | --- | --- |\n{columns}\n\n"
    users, items = (side.column for side in sides)
    where = f" where {facts['positive']}" if facts.get("positive") else ""
    text = (
        f"# A plait recommender of `{items}` for `{users}`\n\n"
        f"Learned from {choices:,} choices: rows{where}, the first of each pair.\n\n"
        + (read if columns else "Nothing is known of users and items but who chose what.\n\n")
    )
    if "board" not in facts:
        return text
    board = from_json(RecommendBoard, facts["board"])
    lines = "".join(_row(line.name, line.scores) for line in board.lines)
    lines += "".join(_row(f"{line.name}, new items alone", line.new_items)
                     for line in board.lines if line.new_items)  # fmt: skip
    return text + (
        f"{board.sentence}\n\nJudged on the latest choices, before it learned again from all: "
        f"{board.moments:,} moments of {board.users:,} users, {board.strangers:,} of whom had "
        f"chosen nothing before; {board.new:,} of {board.items:,} items were new.\n\n"
        f"| | {' | '.join(SCORES)} |\n|{' --- |' * (len(SCORES) + 1)}\n{lines}"
    )


def _row(name: str, scores: Any) -> str:
    shown = (
        f"{scores[key].value:.4f} [{scores[key].low:.4f}, {scores[key].high:.4f}]" for key in SCORES
    )
    return f"| {name} | {' | '.join(shown)} |\n"
