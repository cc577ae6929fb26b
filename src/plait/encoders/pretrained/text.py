"""Pretrained networks for texts: BERT and kin, sentence encoders, decoders that embed, CLIP."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.encoders.padding import prefixes
from plait.encoders.pretrained.backbone import Towered, require_output
from plait.encoders.pretrained.sentence import Pool, default_prompt, read_steps
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import quiet, read_json
from plait.errors import ModelError
from plait.types import Features

ALWAYS_PADDED = ("siglip", "siglip2")
"""Families trained on texts filled up to the longest, with no mask over what was filled."""

MOST_TOKENS = 8192
"""Of one text, for models that name no longest."""


class TextTower(nn.Module):
    """From (b t) token numbers and their mask to vectors (b p) and hidden states (b t d)."""

    def __init__(self, network: Any, pool: Pool, after: nn.Module, folder: Path) -> None:
        super().__init__()
        self.network, self.pool, self.after, self.folder = network, pool, after, folder

    def forward(self, numbers: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return vectors and hidden states; without a mask all tokens are read."""
        inputs = {"input_ids": numbers} | ({} if mask is None else {"attention_mask": mask})
        if _joint(self.network):
            output = self.network.get_text_features(**inputs)
            pooled = require_output(output, "pooler_output", self.folder)
            return pooled, require_output(output, "last_hidden_state", self.folder)
        encoder = self.network
        if self.network.config.is_encoder_decoder:
            encoder = self.network.get_encoder()
        hidden = require_output(encoder(**inputs), "last_hidden_state", self.folder)
        there = torch.ones_like(numbers) if mask is None else mask
        return self.after(self.pool(hidden, there.bool())), hidden


class TextBackbone(Towered):
    """One text a row, trimmed to the longest of its batch.

    The vector is what a folder of sentence-transformers says, the projection that pictures are
    compared with (CLIP, SigLIP, CLAP), the mean of all tokens, or of decoders the last one.

    Args:
        folder: of the model.
        prompt: put before every text; None takes the model's own default.
        longest: most tokens of a text; 0 is the model's own limit.

    Raises:
        ModelError: when the model reads no texts, or its tokenizer is of another model.
    """

    kind = "text"

    def __init__(self, folder: Path, prompt: str | None = None, longest: int = 0) -> None:
        super().__init__(folder)
        decoder = _is_decoder(folder)
        place, pool, after = read_steps(folder, "lasttoken" if decoder else "mean")
        self.prompt = default_prompt(folder) if prompt is None else prompt
        self.network = load_shared(place)
        if self.network.main_input_name != "input_ids" and not _joint(self.network):
            raise ModelError(
                f"The model in {str(folder)!r} reads {self.network.main_input_name}, not texts."
            )
        self.tower = TextTower(self.network, pool, after, folder)
        self.lower = bool(read_json(folder, "sentence_bert_config.json").get("do_lower_case"))
        self.tokenizer = load_tokenizer(place)
        config = getattr(self.network.config, "text_config", self.network.config)
        self._require_vocabulary(config)
        own = read_json(folder, "sentence_bert_config.json").get("max_seq_length")
        limits = (own, self.tokenizer.model_max_length, _positions(config), MOST_TOKENS)
        self.most = min(int(limit) for limit in (*limits, longest) if limit)
        self.fixed = config.model_type.removesuffix("_text_model") in ALWAYS_PADDED
        self.from_left = self.fixed and self.tokenizer.padding_side == "left"
        self.encode, self.offsets = self._fast()

    def _require_vocabulary(self, config: Any) -> None:
        words, rows = len(self.tokenizer), config.vocab_size
        if words > rows:
            raise ModelError(
                f"The tokenizer in {str(self.folder)!r} knows {words:,} words and the network "
                f"{rows:,}; they are not of one model."
            )

    def _fast(self) -> tuple[Any, Any]:
        """Return functions from a text, cut at the longest, to token numbers and characters."""
        fast = getattr(self.tokenizer, "backend_tokenizer", None)
        if fast is None:
            slow = lambda text: (  # noqa: E731
                self.tokenizer(text, truncation=True, max_length=self.most).input_ids
            )
            return slow, lambda text: None  # it does not know them
        own = copy.deepcopy(fast)  # several columns may share the tokenizer
        own.no_padding()
        own.enable_truncation(self.most)
        return lambda text: own.encode(text).ids, lambda text: own.encode(text).offsets

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Return the characters of each token; none for the prompt, and for what marks the ends."""
        whole = self.prompt + text
        found = self.offsets(whole.lower() if self.lower else whole)
        before = len(self.prompt)
        return found and [(max(a - before, 0), max(b - before, 0)) for a, b in found]

    def prepare(self, value: str) -> tuple[np.ndarray, ...]:
        """Return (t) token numbers."""
        text = self.prompt + value
        return (np.asarray(self.encode(text.lower() if self.lower else text), np.int64),)

    def length(self, sample: tuple[np.ndarray, ...]) -> int:
        """Return the number of tokens."""
        return 0 if self.fixed else len(sample[0])

    def inputs(self, samples: Sequence[tuple[np.ndarray, ...]]) -> tuple[Tensor, ...]:
        """Return (b t) token numbers, and their mask unless the model wants none."""
        lengths = [len(sample[0]) for sample in samples]
        most = self.most if self.fixed else max(*lengths, 1)
        numbers = torch.full((len(samples), most), self.tokenizer.pad_token_id or 0)
        there = self._there(lengths, most)
        numbers[there] = torch.from_numpy(np.concatenate([own for (own,) in samples]))
        return (numbers,) if self.fixed else (numbers, there.long())

    def _there(self, lengths: Sequence[int], most: int) -> Tensor:
        """Return (b most), where the tokens of texts are in what is filled up."""
        there = prefixes(lengths, most)
        return there.flip(1) if self.from_left else there

    def features(
        self, samples: Sequence[tuple[np.ndarray, ...]], pooled: Tensor, hidden: Tensor
    ) -> Features:
        """Return Features; tokens are subwords."""
        mask = self._there([len(sample[0]) for sample in samples], hidden.shape[1])
        return Features.of_tokens(hidden * mask[:, :, None], mask, pooled)


def _joint(network: Any) -> bool:
    return hasattr(network, "get_text_features")


def _is_decoder(folder: Path) -> bool:
    names = read_json(folder, "config.json").get("architectures") or [""]
    return str(names[0]).endswith(("ForCausalLM", "LMHeadModel"))


def _positions(config: Any) -> int:
    """Return how many tokens a network has places for; RoBERTa's begin after its padding."""
    most = int(getattr(config, "max_position_embeddings", 0) or 0)
    offset = config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet")
    return most - 2 if offset and most else most


VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model")
"""Files that hold the words; without any of them transformers would make up a tokenizer."""


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder.

    Raises:
        ModelError: when there is none, or it cannot be read.
    """
    from transformers import AutoTokenizer

    if not any(path for pattern in VOCABULARIES for path in folder.glob(pattern)):
        raise ModelError(
            f"{str(folder)!r} has no vocabulary ({', '.join(VOCABULARIES)}), so it is no model for "
            "texts."
        )
    try:
        with quiet():
            return AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        raise ModelError(
            f"The tokenizer in {str(folder)!r} cannot be read: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
