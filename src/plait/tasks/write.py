"""Write: a text, a token after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from plait.config import check_range
from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import NOTHING, Decoder
from plait.decoding.one_by_one import one_by_one
from plait.encoders.pretrained.config import FineTuneConfig
from plait.errors import ConfigError
from plait.tasks.task import Objective
from plait.types import Features


@dataclass(frozen=True)
class ReinforceConfig:
    """Settings of learning from rewards, after learning from texts.

    Attributes:
        reward: a metric of texts, `cider` for example; empty leaves it out.
        way: `self_critical` compares a drawn text with the greedy one, `group` with others drawn of
            the same row.
        group: texts drawn of a row.
        temperature: at which they are drawn.
        kl: weight of the distance from what was written before.
    """

    reward: str = ""
    way: Literal["self_critical", "group"] = "self_critical"
    group: int = 4
    temperature: float = 1.0
    kl: float = 0.05

    def __post_init__(self) -> None:
        check_range(self, "group", 1, 1024)
        check_range(self, "temperature", 1e-3, 100.0)
        check_range(self, "kl", 0.0, 100.0)
        if self.way == "group" and self.group < 2:
            raise ConfigError("Way 'group' compares texts of one row, so group must be 2 or more.")


@dataclass(frozen=True)
class WriteConfig:
    """Settings of writing.

    Attributes:
        width: of the decoder.
        layers: of the decoder.
        heads: of its attention.
        dropout: share of features dropped in training.
        vocabulary: most subwords, learned on the texts of the target.
        longest: most tokens of a text that are learned; the rest is cut off.
        language_model: a pretrained one that writes in place of a decoder from scratch: its folder,
            or its name on the hub.
        instruction: what a language model is told behind the inputs.
        as_is: learn nothing; a language model that sees, or reads words alone, answers as it is.
        tuning: which of a language model's weights learn beside the projection of the inputs.
        longest_prompt: most tokens of one column that a language model reads.
        smoothing: share of the truth that is spread over all tokens (Szegedy et al., CVPR 2016,
            section 7).
        decoding: how texts are written.
        reinforce: how rewards are learned from afterwards.
    """

    width: int = 256
    layers: int = 3
    heads: int = 4
    dropout: float = 0.1
    vocabulary: int = 8000
    longest: int = 64
    language_model: str = ""
    instruction: str = ""
    as_is: bool = False
    tuning: FineTuneConfig = field(default_factory=FineTuneConfig)
    longest_prompt: int = 512
    smoothing: float = 0.1
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    reinforce: ReinforceConfig = field(default_factory=ReinforceConfig)

    def __post_init__(self) -> None:
        check_range(self, "width", 8, 65536)
        check_range(self, "layers", 1, 100)
        check_range(self, "heads", 1, 1024)
        check_range(self, "dropout", 0.0, 0.9)
        check_range(self, "vocabulary", 300, 1_000_000)
        check_range(self, "longest", 1, 65536)
        check_range(self, "longest_prompt", 1, 65536)
        if self.as_is and not self.language_model:
            raise ConfigError(
                "as_is takes a model as it was trained, and there is none: name one in "
                "language_model (--language-model)."
            )
        check_range(self, "smoothing", 0.0, 0.9)


class Write(Objective):
    """The cross-entropy of every token, given those before it.

        L = sum_i w_i sum_t -log p(y_it | y_i<t, x_i) / (T sum_i w_i)

    with T the typical number of tokens: a mean over tokens, and yet a mean over rows, so that a
    batch may be computed in parts.

    Args:
        decoder: what writes.
        smoothing: of the truth.
        length: T.
        longest: most tokens that `predict` writes.
    """

    def __init__(
        self, decoder: Decoder, smoothing: float = 0.1, length: float = 1.0, longest: int = 64
    ) -> None:
        super().__init__()
        self.decoder, self.smoothing, self.longest = decoder, smoothing, longest
        self.length = nn.Buffer(torch.tensor(length))

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            features: of b rows.
            target: (b t) tokens, the end among them; `NOTHING` after it.
            weight: (b) weights of the rows.
        """
        losses = self.token_losses(features, target, self.smoothing if self.training else 0.0)
        return (losses.sum(dim=1) * weight).sum() / (self.length * weight.sum().clamp_min(1e-12))

    def token_losses(self, features: Features, target: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return (b t) negative log probabilities of known tokens; 0 where there is none."""
        scores = self.decoder(features, target)
        return nn.functional.cross_entropy(
            scores.float().transpose(1, 2), target, ignore_index=NOTHING, reduction="none",
            label_smoothing=smoothing,
        )  # fmt: skip

    def predict(self, features: Features) -> Tensor:
        """Return (b t) tokens, the most probable one after the other; `NOTHING` after the end."""
        config = DecodingConfig("greedy", longest=self.longest)
        texts = one_by_one(self.decoder, features, config)
        return padded([text.with_end(self.decoder.end) for text in texts], self.longest)


def padded(texts: Sequence[Sequence[int]], longest: int = 0) -> Tensor:
    """Return (n t) tokens, `NOTHING` after each text; t is the longest, or given."""
    longest = longest or max((len(text) for text in texts), default=0)
    return torch.tensor([[*text, *([NOTHING] * (longest - len(text)))] for text in texts])
