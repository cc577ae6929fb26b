"""What a person should know of a model that segments, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.card import columns_table, scores_table

if TYPE_CHECKING:
    from plait.segmenter.segmenter import Segmenter


def segmenter_card(model: Segmenter) -> str:
    """Return the card of a model."""
    own = model.config.segment
    seen = f"in tiles of {own.tile} pixels, each" if own.tile else "whole,"
    found = model.facts["judged"]
    note = "" if model.facts["apart"] else ", before the model learned again from all rows"
    classes = ", ".join(
        f"{name} ({value})"
        for name, value in zip(model.classes.names, model.classes.values, strict=True)
    )
    return (
        f"# A plait model that segments `{model.picture}` into `{model.target}`\n\n"
        f"Learned from {model.facts['rows']:,} rows. Pictures are seen {seen} at "
        f"{own.side} x {own.side} pixels. Classes, and their values in masks: {classes}.\n\n"
        f"{columns_table(model.sources)}\n\n"
        f"Masks of {found['rows']:,} held-out rows{note}:\n\n"
        f"{scores_table(found['scores'])}\n"
    )
