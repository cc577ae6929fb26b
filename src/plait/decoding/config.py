"""Settings of how texts are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plait.config import check_range

Way = Literal["greedy", "beam", "sample"]


@dataclass(frozen=True)
class DecodingConfig:
    """Settings of how texts are written.

    Attributes:
        way: `greedy` takes the most probable token, `beam` looks for the most probable text, and
            `sample` draws.
        beams: texts that are kept at each step of `beam`.
        length_penalty: power of the length by which the log probability of a text is divided in
            `beam`; above 0 longer texts are favoured.
        temperature: that scores are divided by in `sample`.
        top_p: probability of the tokens that are drawn from in `sample`, the most probable ones
            (Holtzman et al., ICLR 2020, section 3.1).
        longest: most tokens of a text.
        batch_size: texts that are written at a time; of `sample`, with all candidates of a row.
    """

    way: Way = "greedy"
    beams: int = 4
    length_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 0.9
    longest: int = 64
    batch_size: int = 64

    def __post_init__(self) -> None:
        check_range(self, "beams", 1, 1024)
        check_range(self, "length_penalty", -10.0, 10.0)
        check_range(self, "temperature", 1e-3, 100.0)
        check_range(self, "top_p", 1e-6, 1.0)
        check_range(self, "longest", 1, 65536)
        check_range(self, "batch_size", 1, 1_000_000)
