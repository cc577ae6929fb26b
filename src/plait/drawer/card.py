"""What a person should know of a model that draws, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.card import columns_table

if TYPE_CHECKING:
    from plait.drawer.drawer import Drawer


def drawer_card(model: Drawer) -> str:
    """Return the card of a model."""
    own, facts = model.config.draw, model.facts
    canvas = f"latents of {own.autoencoder}" if own.autoencoder else "pixels"
    found = facts["judged"]
    scores = "\n".join(
        f"| {name} | {value:.4f} |" for name, value in found["scores"].items() if value is not None
    )
    return (
        f"# A plait model that draws `{model.target}`\n\n"
        f"Learned from {facts['rows']:,} rows, in {canvas}, at {own.side} by {own.side} pixels.\n\n"
        f"{columns_table(model.sources)}\n\n"
        f"{found['rows']:,} held-out rows, beside as many real pictures, on vectors of "
        f"`{found['encoder']}`: another encoder gives other numbers.\n\n"
        f"| score | value |\n| --- | --- |\n{scores}\n\n"
        "`kernel distance of real` is that of the real pictures to those learned from: what a "
        "perfect model would have. `copied` is the share of drawn pictures that are nearer to one "
        "learned from than 95 % of these are to each other; `copied of real` is that of real "
        "pictures that were held out.\n\n"
        "Every picture that is drawn says so: in its PNG text, which is easily removed, and by an "
        "invisible watermark, which survives JPEG of quality 75 and not a cut; `plait check "
        "--watermark` finds both. Pictures may show what the training pictures show: stereotypes, "
        "brands, faces.\n"
    )
