"""A pretrained language model as what writes: the Features' tokens stand before its text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from plait.decoding.decoder import Decoder, State
from plait.encoders.pretrained.adapted import Adapted
from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.weights import find_model, load_network, quiet, read_json
from plait.errors import ModelError
from plait.subwords import Vocabulary
from plait.types import Features

if TYPE_CHECKING:
    from plait.tasks.prompt_state import PromptState

PLACE = "\u2766plait\u2766"
"""Stands in a chat template for what the user says; no template has it."""

SEEING = {
    "llava": ("", ""),
    "vipllava": ("", ""),
    "internvl": ("<img>", "</img>"),
    "idefics3": ("<fake_token_around_image><global-img>", "<fake_token_around_image>"),
    "smolvlm": ("<fake_token_around_image><global-img>", "<fake_token_around_image>"),
}
"""Families that see, and what they read on either side of a picture: its tokens stand in one run
before the text, counted like words. Those that cut large pictures into tiles see the whole only."""

WITHOUT_CHAT = ("llava", "vipllava")
"""Families whose first models were asked in words that stand in no template."""


@dataclass(frozen=True)
class Template:
    """What a model reads before and after what the user says.

    Attributes:
        before: its text.
        after: up to where the answer begins.
        between: what a model that sees reads between a picture and the first words.
    """

    before: str
    after: str
    between: str = ""


class LanguageModel(Decoder):
    """Any causal model of Hugging Face, with vectors in the place of its first tokens.

        [before; Features' tokens; after; text]

    as LLaVA (Liu et al., NeurIPS 2023, section 4.1). Rows with fewer tokens begin later, so that
    every text begins in the same place; what is not real is never looked at, and not counted.

    Args:
        network: the model.
        vocabulary: of its tokenizer.
        template: how it is spoken to.
        tuning: which of its weights learn.
    """

    def __init__(
        self,
        network: Any,
        vocabulary: Vocabulary,
        template: Template,
        tuning: FineTuneConfig,
    ) -> None:
        super().__init__()
        self.backbone, self.vocabulary, self.end = network, vocabulary, vocabulary.end
        self.tuning, self.adapted, self.template = tuning, Adapted(), template
        for name, text in (("before", template.before), ("after", template.after)):
            numbers = vocabulary.control(text)
            self.register_buffer(name, torch.tensor(numbers, dtype=torch.long), persistent=False)

    @property
    def vectors(self) -> nn.Module:
        """The matrix of token vectors."""
        vectors: nn.Module = self.backbone.get_input_embeddings()
        return vectors

    @property
    def size(self) -> int:
        """The tokens that the model scores, which may be more than its tokenizer knows."""
        weight = self.backbone.get_output_embeddings().weight
        return len(weight)

    @property
    def sees(self) -> bool:
        """Whether it reads pictures itself."""
        return self.backbone.config.model_type in SEEING

    @property
    def marks(self) -> tuple[list[int], list[int]]:
        """The tokens that it reads before every picture and after it."""
        opens, closes = SEEING[self.backbone.config.model_type]
        return self.vocabulary.control(opens), self.vocabulary.control(closes)

    @property
    def width(self) -> int:
        """The width d of the token vectors."""
        weight = self.vectors.weight
        assert isinstance(weight, Tensor)
        return weight.shape[1]

    def begin_learning(self) -> None:
        """Choose the weights that learn."""
        names = {name for name, _ in self.backbone.named_parameters()}
        self.adapted = Adapted.begin(self.backbone, [names], self.tuning)

    def finish(self) -> None:
        """Merge what was learned beside the weights into them."""
        self.adapted.finish()

    def rates(self) -> dict[nn.Parameter, float]:
        """Return the highest learning rate of each weight of the model that learns."""
        return self.adapted.rates

    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        """Return (b t v)."""
        prompt, mask = self._prompt(features)
        text = self.vectors(tokens.clamp_min(0)).to(prompt.dtype)
        mask = torch.cat([mask, torch.ones_like(tokens, dtype=torch.bool)], dim=1)
        output = self.backbone(
            inputs_embeds=torch.cat([prompt, text], dim=1),
            attention_mask=mask.long(),
            position_ids=_positions(mask),
            use_cache=False,
            logits_to_keep=tokens.shape[1] + 1,
        )
        scores: Tensor = output.logits[:, :-1]
        return scores

    def start(self, features: Features) -> tuple[State, Tensor]:
        """Return what the model keeps of the prompt, and the scores of the first token."""
        from plait.tasks.prompt_state import PromptState

        prompt, mask = self._prompt(features)
        output = self.backbone(
            inputs_embeds=prompt,
            attention_mask=mask.long(),
            position_ids=_positions(mask),
            use_cache=True,
            logits_to_keep=1,
        )
        return PromptState(output.past_key_values, mask), output.logits[:, -1]

    def step(self, state: State, tokens: Tensor) -> Tensor:
        """Return (b v)."""
        state = cast("PromptState", state)
        state.mask = torch.cat([state.mask, torch.ones_like(tokens[:, None]).bool()], dim=1)
        output = self.backbone(
            input_ids=tokens[:, None],
            attention_mask=state.mask.long(),
            position_ids=_positions(state.mask)[:, -1:],
            past_key_values=state.cache,
            use_cache=True,
        )
        state.cache = output.past_key_values
        scores: Tensor = output.logits[:, -1]
        return scores

    def _prompt(self, features: Features) -> tuple[Tensor, Tensor]:
        """Return vectors (b p d) and their mask (b p), real ones last."""
        count = len(features)
        before, after = (
            self.vectors(numbers).to(features.tokens.dtype).expand(count, -1, -1)
            for numbers in (self.before, self.after)
        )
        tokens = torch.cat([before, features.tokens, after], dim=1)
        there = [features.mask.new_ones(count, part.shape[1]) for part in (before, after)]
        mask = torch.cat([there[0], features.mask, there[1]], dim=1)
        order = mask.long().argsort(dim=1, stable=True)
        moved = tokens.gather(1, order[:, :, None].expand_as(tokens))
        return moved, mask.gather(1, order)


def _positions(mask: Tensor) -> Tensor:
    """Return (b t), how many real tokens came before each."""
    return (mask.long().cumsum(dim=1) - 1).clamp_min(0)


def load_language_model(name: str, instruction: str, tuning: FineTuneConfig) -> LanguageModel:
    """Return a language model, or one that sees too, by its folder or its name on the hub.

    Args:
        name: of the model.
        instruction: that stands behind what the user says; may be empty.
        tuning: which of its weights learn.

    Raises:
        ModelError: when it cannot be read, has no tokenizer of its own, writes no text, or sees in
            another way.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    folder = find_model(name)
    config = read_json(folder, "config.json")
    family, sees = config.get("model_type"), "vision_config" in config
    if sees and family not in SEEING:
        raise ModelError(
            f"The model in {str(folder)!r} sees pictures as {family!r} does, which cannot be used "
            f"yet; name one of the families {', '.join(SEEING)}, or a language model without eyes, "
            "for which plait projects what its own encoders see."
        )
    tokenizer = _tokenizer(folder)
    vocabulary = Vocabulary(tokenizer.backend_tokenizer.to_str(), tokenizer.eos_token)
    network = load_network(folder, AutoModelForImageTextToText if sees else AutoModelForCausalLM)
    picture = config.get("image_token_index", config.get("image_token_id"))
    token = tokenizer.convert_ids_to_tokens(picture) if sees else ""
    template = _template(tokenizer, folder, instruction, token, family or "")
    return LanguageModel(network, vocabulary, template, tuning)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The tokenizer in {str(folder)!r} cannot be read: {error}") from error
    if getattr(tokenizer, "backend_tokenizer", None) is None or tokenizer.eos_token is None:
        raise ModelError(
            f"The model in {str(folder)!r} has no tokenizer.json with a token that ends a text, so "
            "it cannot write; name a causal language model."
        )
    return tokenizer


def _template(
    tokenizer: Any, folder: Path, instruction: str, picture: str, family: str
) -> Template:
    """Return the chat template of a model, or bare text for one that is no chat.

    Args:
        tokenizer: of the model.
        folder: of the model.
        instruction: behind what the user says.
        picture: the token that stands for a picture; empty for a model that does not see.
        family: of the model.

    Raises:
        ModelError: when a model that sees has none, or it leaves out what the user says or shows.
    """
    asked: Any = f"{PLACE}{instruction}"
    own = tokenizer.chat_template or read_json(folder, "chat_template.json").get("chat_template")
    if not own:
        start = tokenizer.bos_token or ""
        if picture and family not in WITHOUT_CHAT:
            raise ModelError(
                f"The model in {str(folder)!r} has no chat template, without which {family!r} "
                "cannot be asked; bring its chat_template.jinja or chat_template.json."
            )
        if picture:  # as LLaVA 1.5 was trained
            return Template(f"{start}USER: ", f"{instruction} ASSISTANT:", "\n")
        return Template(start, f"{instruction}\n")
    if picture:
        asked = [{"type": "image"}, {"type": "text", "text": asked}]
    said = tokenizer.apply_chat_template(
        [{"role": "user", "content": asked}],
        chat_template=own,
        tokenize=False,
        add_generation_prompt=True,
    )
    start, place, after = said.partition(PLACE)
    before, shown, between = start.partition(picture) if picture else (start, "", "")
    if not place or shown != picture:
        lacks = f"the picture ({picture})" if place else "what the user says"
        raise ModelError(
            f"The chat template in {str(folder)!r} leaves out {lacks}, so the model cannot be "
            "asked; its template and tokenizer are not of one model."
        )
    return Template(before, after, between)
