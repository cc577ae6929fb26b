"""What a person should know of a model that writes, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.card import columns_table, scores_table

if TYPE_CHECKING:
    from plait.writer.writer import Writer


def writer_card(model: Writer) -> str:
    """Return the card of a model."""
    text = (
        f"# A plait model that writes `{model.target}`\n\n"
        f"Learned from {model.facts['rows']:,} rows; a text has {model.config.write.longest} "
        f"tokens at most, of {len(model.vocabulary):,}.\n\n"
        f"{columns_table(model.sources)}\n\n"
    )
    found = model.facts["judged"]
    note = "" if model.facts["apart"] else ", before the model learned again from all rows"
    examples = "\n".join(f"| {said} | {' / '.join(known)} |" for said, known in found["examples"])
    return text + (
        f"Texts of {found['rows']:,} held-out inputs{note}; `{found['metric']}` decides:\n\n"
        f"{scores_table(found['scores'])}\n\n"
        f"| written | by people |\n| --- | --- |\n{examples}\n"
    )
