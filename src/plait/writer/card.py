"""What a person should know of a model that writes, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plait.writer.writer import Writer


def writer_card(model: Writer) -> str:
    """Return the card of a model."""
    columns = "\n".join(
        f"| {column.name} | {column.modality.value} | {column.evidence} |"
        for source in model.sources for column in source.columns
    )  # fmt: skip
    text = (
        f"# A plait model that writes `{model.target}`\n\n"
        f"Learned from {model.facts['rows']:,} rows; a text has {model.config.write.longest} "
        f"tokens at most, of {len(model.vocabulary):,}.\n\n"
        f"| column | modality | evidence |\n| --- | --- | --- |\n{columns}\n\n"
    )
    found = model.facts["judged"]
    note = "" if model.facts["apart"] else ", before the model learned again from all rows"
    scores = "\n".join(
        f"| {name} | {own['value']:.4f} [{own['low']:.4f}, {own['high']:.4f}] |"
        for name, own in found["scores"].items() if own["value"] is not None
    )  # fmt: skip
    examples = "\n".join(f"| {said} | {' / '.join(known)} |" for said, known in found["examples"])
    return text + (
        f"Texts of {found['rows']:,} held-out inputs{note}; `{found['metric']}` decides:\n\n"
        f"| metric | value |\n| --- | --- |\n{scores}\n\n"
        f"| written | by people |\n| --- | --- |\n{examples}\n"
    )
