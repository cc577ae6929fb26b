"""Texts a second: plait's loop beside transformers' own, on the same model and the same prompts.

    python benchmarks/speed_write.py         about 20 minutes; what is killed goes on

A language model of Llama's kind with random weights (8 layers of 512 numbers, 8,192 tokens, about
35 million parameters), prompts of 64 vectors, greedy, 128 tokens at most, float32. 32 prompts, or
128, 32 or 128 of them at a time: transformers writes one batch after the other, plait lets the next
prompts in where others have ended. `equal`: all texts are of 128 tokens; `unequal`: texts end after
4 to 128 tokens, in no order (the score of the end is raised by a schedule a row, in both loops
alike), as captions and answers do. Pairs alternate in one process, medians of five. Also the time
to the first token, and the peak of memory of 32 texts by length, each in a process of its own.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from rows import Row, in_process, measure, table
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import State
from plait.decoding.one_by_one import as_they_end, one_by_one, stream
from plait.encoders.pretrained.config import FineTuneConfig
from plait.subwords import Vocabulary
from plait.tasks.language_model import LanguageModel, Template
from plait.tasks.prompt_state import PromptState
from plait.types import Features
from plait.writer.writer import PIECES

PROMPT, LONGEST, END = 64, 128, 1
PAIRS = 5

LENGTHS = (1, 128, 512, 1024)
"""Tokens of texts whose memory is looked at."""


@dataclass
class TimedState(PromptState):
    """Knows how many tokens each text has left."""

    left: torch.Tensor

    def select(self, rows: torch.Tensor) -> None:
        """Go on with the given rows."""
        super().select(rows)
        self.left = self.left[rows]

    def join(self, other: Self) -> None:
        """Go on with the texts of another state too."""
        super().join(other)
        self.left = torch.cat([self.left, other.left])


class Timed(LanguageModel):
    """Ends each text after as many tokens as its row is told; nothing else changes."""

    lengths: torch.Tensor
    begun = 0

    def start(self, features: Features) -> tuple[State, torch.Tensor]:
        """Take the next rows' lengths."""
        own = self.lengths[self.begun : self.begun + len(features)]
        self.begun += len(features)
        state, scores = super().start(features)
        assert isinstance(state, PromptState)
        return TimedState(state.cache, state.mask, own - 1), ended(scores, own, 1)

    def step(self, state: State, tokens: torch.Tensor) -> torch.Tensor:
        """Return the scores, the end's as the schedule has it."""
        assert isinstance(state, TimedState)
        scores = ended(super().step(state, tokens), state.left, 1)
        state.left = state.left - 1
        return scores


class Ends(LogitsProcessor):
    """The same for transformers' loop."""

    def __init__(self, lengths: torch.Tensor) -> None:
        self.lengths, self.count = lengths, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores, the end's as the schedule has it."""
        self.count += 1
        return ended(scores, self.lengths, self.count)


def ended(scores: torch.Tensor, lengths: torch.Tensor, count: int) -> torch.Tensor:
    """Return (b v) scores with that of the end out of reach, or above all others."""
    scores = scores.clone()
    scores[:, END] = torch.where(lengths <= count, 1e4, -1e4)
    return scores


def made(rows: int) -> tuple[Timed, Features]:
    """Return the model and so many prompts."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8192, hidden_size=512, intermediate_size=1536, num_hidden_layers=8,
        num_attention_heads=8, num_key_value_heads=4, bos_token_id=0, eos_token_id=END,
        pad_token_id=END,
    )  # fmt: skip
    words = {"<s>": 0, "</s>": 1, "a": 2}
    vocabulary = Vocabulary(Tokenizer(models.WordLevel(words, unk_token="a")).to_str(), "</s>")
    network = LlamaForCausalLM(config).eval().requires_grad_(False)
    model = Timed(network, vocabulary, Template("", ""), FineTuneConfig()).eval()
    there = torch.ones(rows, PROMPT).bool()
    return model, Features.of_tokens(torch.randn(rows, PROMPT, 512), there)


def run(key: Row) -> Row:
    """Time pairs of both loops, or look at memory."""
    if "tokens" in key:
        return in_process(__file__, "--peak", key["tokens"])
    count, batch = key["rows"], key["batch"]
    model, prompts = made(count)
    lengths = torch.full((count,), LONGEST)
    if key["lengths"] == "unequal":
        mixed = torch.randperm(count, generator=torch.Generator().manual_seed(0))
        lengths = torch.linspace(4, LONGEST, count).long()[mixed]
    model.lengths = lengths
    tokens, rows = int(lengths.sum()), torch.arange(count)
    config = DecodingConfig(longest=LONGEST, batch_size=batch)

    def ours() -> list[list[int]]:
        model.begun = 0
        pieces = (prompts.take(own) for own in rows.split(batch // PIECES))
        found = dict(as_they_end(model, pieces, config))
        return [found[row].with_end(END) for row in range(count)]

    def theirs() -> list[list[int]]:
        made = []
        for own in rows.split(batch):
            part = prompts.take(own)
            made += model.backbone.generate(
                inputs_embeds=part.tokens, attention_mask=part.mask.long(),
                max_new_tokens=LONGEST, do_sample=False,
                logits_processor=LogitsProcessorList([Ends(lengths[own])]),
            ).tolist()  # fmt: skip
        return [row[: row.index(END) + 1] if END in row else row for row in made]

    assert ours() == theirs(), "both write the same"
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(PAIRS):
        times["ours"].append(seconds(ours))
        times["theirs"].append(seconds(theirs))
    ratios = [b / a for a, b in zip(*times.values(), strict=True)]
    one = prompts.take(torch.arange(1))

    def begin() -> None:
        model.begun = 0
        next(stream(model, [one], config))

    first = statistics.median(seconds(begin) for _ in range(PAIRS))
    return {
        "tokens_a_second": tokens / statistics.median(times["ours"]),
        "theirs": tokens / statistics.median(times["theirs"]),
        "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios),
        "first_token_ms": 1000 * first,
    }  # fmt: skip


def peak(tokens: int) -> float:
    """Return the megabytes at most of a process that writes 32 texts of so many tokens."""
    model, prompts = made(32)
    model.lengths = torch.full((32,), tokens)
    found = one_by_one(model, prompts, DecodingConfig(longest=tokens))
    assert {len(text.with_end(END)) for text in found} == {tokens}
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print a line for equal and unequal lengths, and one for each memory."""
    if "--peak" in sys.argv:
        print(json.dumps({"peak_mb": peak(int(sys.argv[-1]))}))
        return
    pairs = [
        {"lengths": kind, "rows": rows, "batch": batch} for rows, batch, kind in (
            (32, 32, "equal"), (32, 32, "unequal"), (128, 32, "unequal"), (128, 128, "unequal"),
            (128, 128, "equal"),
        )
    ]  # fmt: skip
    peaks = [{"tokens": tokens} for tokens in LENGTHS]
    rows = measure("speed_write", [*pairs, *peaks], run, budget=20 * 60)
    table([row for row in rows if "rows" in row],
          ["lengths", "rows", "batch", "tokens_a_second", "theirs", "ratio", "least", "most",
           "first_token_ms"])  # fmt: skip
    table([row for row in rows if "tokens" in row], ["tokens", "peak_mb"])


if __name__ == "__main__":
    sys.exit(main())
