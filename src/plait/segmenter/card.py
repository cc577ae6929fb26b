"""What a person should know of a model that segments, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plait.segmenter.segmenter import Segmenter


def segmenter_card(model: Segmenter) -> str:
    """Return the card of a model."""
    columns = "\n".join(
        f"| {column.name} | {column.modality.value} | {column.evidence} |"
        for source in model.sources for column in source.columns
    )  # fmt: skip
    own = model.config.segment
    seen = f"in tiles of {own.tile} pixels, each" if own.tile else "whole,"
    found = model.facts["judged"]
    note = "" if model.facts["apart"] else ", before the model learned again from all rows"
    scores = "\n".join(
        f"| {name} | {value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}] |"
        for name, value in found["scores"].items() if value["value"] is not None
    )  # fmt: skip
    classes = ", ".join(
        f"{name} ({value})"
        for name, value in zip(model.classes.names, model.classes.values, strict=True)
    )
    return (
        f"# A plait model that segments `{model.picture}` into `{model.target}`\n\n"
        f"Learned from {model.facts['rows']:,} rows. Pictures are seen {seen} at "
        f"{own.side} x {own.side} pixels. Classes, and their values in masks: {classes}.\n\n"
        f"| column | modality | evidence |\n| --- | --- | --- |\n{columns}\n\n"
        f"Masks of {found['rows']:,} held-out rows{note}:\n\n"
        f"| metric | value |\n| --- | --- |\n{scores}\n"
    )
