"""What a person should know of a space, as Markdown."""

from __future__ import annotations

from plait.spaces.parts import SpaceParts

SHOWN = ("recall@1", "recall@5", "recall@10", "median rank", "MRR")
"""Scores that tables show; all are in the facts."""


def space_card(space: SpaceParts) -> str:
    """Return what a person should know of a space, as Markdown."""
    columns = "\n".join(
        f"| {group} | {column.name} | {column.modality.value} | {column.evidence} |"
        for group, own in space.groups.items() for source in own for column in source.columns
    )  # fmt: skip
    scores = "\n".join(
        f"| {one['query']} | {one['found']} | {one['queries']} | {one['gallery']} | "
        + " | ".join(f"{one['scores'][name]['value']:.3f}" for name in SHOWN)
        + " |"
        for one in space.facts["retrieval"]
    )
    head = " | ".join(("asks", "is searched", "queries", "gallery", *SHOWN))
    rows, apart = space.facts["rows"], space.facts["apart"]
    note = "" if apart else ", before the space was learned again from all rows"
    return (
        f"# A plait space of {' and '.join(f'`{name}`' for name in space.groups)}\n\n"
        f"Learned from {rows:,} rows by {space.config.task.loss}; vectors of "
        f"{space.config.task.width} numbers, of length 1.\n\n"
        f"| group | column | modality | evidence |\n| --- | --- | --- | --- |\n{columns}\n\n"
        f"Search among {space.facts['judged']:,} held-out rows{note}:\n\n"
        f"| {head} |\n|{' --- |' * (4 + len(SHOWN))}\n{scores}\n"
    )
