"""Tables for the terminal, with rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from plait.distillation import Distilled
from plait.doctor import TableReport
from plait.ensemble.board import Board
from plait.errors import many
from plait.evaluate.probe import Probe
from plait.evaluate.recommend import DECIDES, DEPTHS, Line, RecommendBoard
from plait.evaluate.retrieve import Retrieval
from plait.evaluate.run import Evaluation
from plait.metrics.uncertainty import Interval
from plait.model import Explanation

UNREADABLE = 10
"""Cells that cannot be read of which a report shows the reason; all are in its JSON."""


def board_table(board: Board) -> RenderableType:
    """Return the board of a contest: scores, gains and costs, the winner marked."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("entrant")
    table.add_column("level")
    arrow = "" if board.higher else " (lower is better)"
    table.add_column(f"{board.metric}{arrow}", justify="right")
    # Of several targets the mean decides, and each one's own score is what people want to see.
    others = list(board.lines[0].others) if board.metric == "mean" else []
    for name in ("95 % interval", "gain over best single", "p", *others, "fit s", "rows/s", "MB"):
        table.add_column(escape(name), justify="right")
    for line in board.lines:
        gain = line.gain
        best = line.name == board.winner
        table.add_row(
            "★" if best else "",
            escape(line.name),
            line.level,
            f"{line.score.value:.4f}",
            f"{line.score.low:.4f} … {line.score.high:.4f}",
            "" if gain is None else f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]",
            "" if gain is None else f"{gain.p:.3f}",
            *(f"{line.others[name]:.4f}" for name in others),
            f"{line.fit_seconds:.1f}",
            f"{line.rows_per_second:,.0f}",
            f"{line.megabytes:.1f}",
            style="bold" if best else "",
        )
    judged = f"Judged on {many(board.rows, 'held-out row')} in {many(board.folds, 'fold')}"
    judged += (
        "."
        if board.chance is None
        else (f"; saying the same of every row scores {board.chance:.3f}.")
    )
    left = [escape(one.sentence) for one in board.dropped]
    return Group(table, "", escape(board.sentence), judged, *left)


def retrieval_table(found: Sequence[Retrieval]) -> RenderableType:
    """Return how well each group finds each other, with intervals of the first score."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("asks", "is searched", "queries", "gallery", "recall@1", "95 % interval",
                 "chance", "recall@5", "recall@10", "median rank", "MRR"):  # fmt: skip
        left = name in ("asks", "is searched")
        table.add_column(name, justify="left" if left else "right")
    for one in found:
        first, scores = one.scores["recall@1"], one.scores
        table.add_row(
            escape(one.query),
            escape(one.found),
            f"{one.queries:,}",
            f"{one.gallery:,}",
            f"{first.value:.3f}",
            f"{first.low:.3f} … {first.high:.3f}",
            f"{one.chance:.3f}",
            f"{scores['recall@5'].value:.3f}",
            f"{scores['recall@10'].value:.3f}",
            f"{scores['median rank'].value:,.1f}",
            f"{scores['MRR'].value:.3f}",
        )
    return table


def recommend_table(board: RecommendBoard) -> RenderableType:
    """Return recommenders and baselines on the same moments, new items in lines of their own."""
    best = max(board.lines, key=lambda line: line.scores[DECIDES].value)
    parts: list[RenderableType] = [_recommend_lines(board, best, new=False)]
    if board.new_moments:
        found = f"{many(board.new, 'item')} that nobody had chosen before, among themselves"
        chance = ", ".join(f"recall@{k} {min(k / board.new, 1):.4f}" for k in DEPTHS)
        head = f"New: {found}; {many(board.new_moments, 'moment')}; by chance {chance}."
        parts += ["", head, _recommend_lines(board, None, new=True)]
    judged = (
        f"Judged at {many(board.moments, 'moment')} of {many(board.users, 'user')} "
        f"({board.strangers:,} of them had chosen nothing before), among {board.items:,} items; "
        f"learned from {board.learned:,} earlier choices. Intervals are over users."
    )
    return Group(*parts, "", escape(board.sentence), judged)


def suggestion_table(rows: Sequence[tuple[str, str, float]]) -> RenderableType:
    """Return users, the items for each, best first, and their scores."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("user")
    table.add_column("item")
    table.add_column("score", justify="right")
    for user, item, score in rows:
        table.add_row(escape(user), escape(item), f"{score:.3f}")
    return table


def _recommend_lines(board: RecommendBoard, best: Line | None, new: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("recommender")
    for name in (DECIDES, "95 % interval", "recall@10", "nDCG@20", "recall@20"):
        table.add_column(name, justify="right")
    for name in () if new else ("coverage@10", "gain over best baseline", "p"):
        table.add_column(name, justify="right")
    for line in board.lines:
        scores = line.new_items if new else line.scores
        if scores is None:
            continue
        first, gain = scores[DECIDES], line.gain
        cells = [f"{scores[name].value:.4f}" for name in ("recall@10", "nDCG@20", "recall@20")]
        if not new:
            shown = "" if gain is None else f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
            cells += [f"{line.coverage['@10']:.3f}", shown, "" if gain is None else f"{gain.p:.3f}"]
        interval = f"{first.low:.4f} … {first.high:.4f}"
        star, style = ("★", "bold") if line is best else ("", "")
        table.add_row(star, escape(line.name), f"{first.value:.4f}", interval, *cells, style=style)
    return table


def probe_table(found: Probe) -> RenderableType:
    """Return the accuracy of a probe, of few examples a class first, then of all rows."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("examples a class", "accuracy", "95 % interval", "± over draws"):
        table.add_column(name, justify="right")
    for one in found.shots:
        score = one.accuracy
        table.add_row(
            str(one.count), f"{score.value:.3f}", f"{score.low:.3f} … {score.high:.3f}",
            f"{one.spread:.3f}",
        )  # fmt: skip
    score = found.accuracy
    table.add_row("all", f"{score.value:.3f}", f"{score.low:.3f} … {score.high:.3f}", "")
    judged = (
        f"Logistic regression on frozen vectors: {found.classes} classes, learned from "
        f"{many(found.learned, 'row')} (C = {found.strength:g}), judged on "
        f"{many(found.judged, 'row')}; the commonest class scores {found.chance:.3f}."
    )
    return Group(table, "", judged)


def distilled_table(found: Distilled) -> RenderableType:
    """Return the student beside its teacher: score, agreement, speed and size."""
    judged = found.beside
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    arrow = "" if judged.higher else " (lower is better)"
    heads = (f"{judged.metric}{arrow}", "95 % interval", "the student's lead", "p",
             "like the teacher", "rows/s", "MB")  # fmt: skip
    for name in heads:
        table.add_column(name, justify="right")
    for side in judged.sides:
        score, lead = side.score, side.lead
        table.add_row(
            side.name,
            "" if score is None else f"{score.value:.4f}",
            "" if score is None else f"{score.low:.4f} … {score.high:.4f}",
            "" if lead is None else f"{lead.value:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}]",
            "" if lead is None else f"{lead.p:.3f}",
            "" if side.agreement is None else f"{side.agreement:.4f}",
            f"{side.rows_per_second:,.0f}",
            f"{side.megabytes:,.1f}",
        )
    learned = (
        f"Learned from {many(found.rows, 'row')}, {found.labelled:,} of them with a label; judged "
        f"on {many(judged.rows, 'row')} that no student has seen."
    )
    return Group(table, "", escape(found.sentence), learned)


def check_table(report: TableReport) -> RenderableType:
    """Return what a table holds, column by column, and the findings."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("column", "modality", "sure", "missing", "unread", "distinct", "evidence"):
        table.add_column(name, justify="right" if name in ("sure", "distinct") else "left")
    if report.targets:
        table.add_column("tells target", justify="right")
    for item in report.columns:
        column = item.column
        note = f" · {column.left_out}" if column.left_out else ""
        evidence = column.evidence + (f" · {item.statistics}" if item.statistics else "") + note
        cells = [
            escape(column.name),
            column.modality.value,
            f"{column.confidence:.2f}",
            f"{item.missing / max(report.rows, 1):.0%}" if item.missing else "",
            str(item.unreadable or ""),
            f"{item.distinct:,}",
            escape(evidence),
        ]
        if report.targets:
            cells.append("" if item.tells_target is None else f"{item.tells_target:.2f}")
        muted = column.left_out and column.left_out != "target"
        style = "bold" if column.left_out == "target" else "dim" if muted else ""
        table.add_row(*cells, style=style)
    parts: list[RenderableType] = [f"{report.rows:,} rows", "", table]
    for target, classes in report.balance.items():
        shown = list(classes.items())
        few = ", ".join(f"{escape(label)} {count:,}" for label, count in shown[:8])
        more = " …" if len(shown) > 8 else ""
        parts += ["", f"{len(shown)} classes of {escape(target)}: {few}{more}"]
    if report.findings:
        parts += ["", *(f"• {escape(finding)}" for finding in report.findings)]
    if report.unreadable:
        shown_cells = report.unreadable[:UNREADABLE]
        parts += ["", f"Not to be read ({len(shown_cells)} of {len(report.unreadable)} shown):"]
        parts += [escape(f"  row {row}, {name}: {why}") for row, name, why in shown_cells]
    return Group(*parts)


def score_table(scores: Mapping[str, Interval], deciding: str = "") -> Table:
    """Return metrics with their intervals, the deciding one marked."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, score in scores.items():
        cells = (f"{score.value:.4f}", f"{score.low:.4f} … {score.high:.4f}")
        table.add_row(name, *cells, style="bold" if name == deciding else "")
    return table


def evaluation_table(evaluation: Evaluation) -> RenderableType:
    """Return every metric with its interval, and precision, recall and F1 of each class."""
    parts: list[RenderableType] = [score_table(evaluation.scores)]
    if evaluation.classes:
        classes = Table(box=None, header_style="bold", pad_edge=False)
        classes.add_column("class")
        for name in ("precision", "recall", "F1", "rows"):
            classes.add_column(name, justify="right")
        for label, (precision, recall, f1, rows) in evaluation.classes.items():
            if rows:
                cells = (f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", f"{rows:,}")
                classes.add_row(escape(label), *cells)
        parts += ["", classes]
    left_out = f", {evaluation.left_out:,} without a target left out" if evaluation.left_out else ""
    parts += ["", f"{evaluation.rows:,} rows{left_out}."]
    for part in evaluation.parts:
        parts += ["", escape(part.target.name), "", evaluation_table(part)]
    return Group(*parts)


def explanation_table(explanations: Sequence[Explanation]) -> RenderableType:
    """Return what each source added to each prediction."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row", justify="right")
    table.add_column("prediction")
    table.add_column("score", justify="right")
    table.add_column("nothing known", justify="right")
    names = list(explanations[0].contributions) if explanations else []
    for name in names:
        table.add_column(escape(name), justify="right")
    for row, item in enumerate(explanations):
        parts = [f"{item.contributions[name]:+.3f}" for name in names]
        value = _said(item.value)
        table.add_row(str(row), escape(value), f"{item.score:.3f}", f"{item.base:.3f}", *parts)
    return table


def _said(value: Any) -> str:
    """Return a predicted class, labels or number as people would write it."""
    if isinstance(value, tuple):
        return ", ".join(value) or "(none)"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
