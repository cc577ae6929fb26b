"""Settings of the pretrained encoders, and the models that the presets take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from plait.config import check_range

Precision = Literal["auto", "float32", "bfloat16", "int8"]


@dataclass(frozen=True)
class PretrainedConfig:
    """Settings of the pretrained encoders.

    Attributes:
        width: components kept of a model's vectors; 0 takes them as they are.
        tokens: most tokens kept of a row, for fusions that attend to them; 0 keeps the vector
            alone. `fit` and `compare` set it where a fusion asks for tokens.
        batch_size: values that the network reads at a time.
        prompt: put before every text; None takes the model's own default.
        longest_text: most subwords of a text; 0 is the model's own limit.
        precision: in which the networks for pictures, texts and videos compute. `auto` tries int8
            (tables of 5,000 rows and more), then bfloat16, where the processor has them, and takes
            the first in which the vectors of a sample of the table agree with those of float32 to
            a mean cosine of 0.999. `int8` needs the extra of that name; see `int8.py`.
        cache: keep what the networks made of each value, for the next time.
    """

    width: int = 256
    tokens: int = 0
    batch_size: int = 32
    prompt: str | None = None
    longest_text: int = 0
    precision: Precision = "auto"
    cache: bool = True

    def __post_init__(self) -> None:
        check_range(self, "width", 0, 65536)
        check_range(self, "tokens", 0, 4096)
        check_range(self, "batch_size", 1, 65536)
        check_range(self, "longest_text", 0, 1_000_000)


Way = Literal["none", "all", "last", "lora"]
WAYS = get_args(Way)


@dataclass(frozen=True)
class FineTuneConfig:
    """Settings of the pretrained networks that are trained on.

    Attributes:
        way: `none` leaves them as they are; `all` trains every weight, `last` those of the last
            layers, `lora` low-rank changes of all layers, which are merged into them afterwards.
        layers: that `last` trains.
        rank: of the changes of `lora`.
        rate: highest learning rate of the last layer; ten times it for the changes of `lora`.
        decay: the rate of each layer is that of the next times this.
        checkpointing: compute what lies between layers twice, and keep it in memory only once.
    """

    way: Way = "none"
    layers: int = 2
    rank: int = 8
    rate: float = 5e-5
    decay: float = 0.9
    checkpointing: bool = False

    def __post_init__(self) -> None:
        check_range(self, "layers", 1, 1000)
        check_range(self, "rank", 1, 4096)
        check_range(self, "rate", 0.0, 1.0)
        check_range(self, "decay", 0.01, 1.0)


@dataclass(frozen=True)
class DefaultModel:
    """A model that a preset takes unless another is named.

    Attributes:
        name: on the hub.
        parameters: in millions, of the part that is used.
        licence: of the weights.
        languages: that it was trained on; empty for what has none.
    """

    name: str
    parameters: int
    licence: str
    languages: str = ""


DEFAULTS = {
    "image": DefaultModel("google/siglip2-base-patch16-224", 93, "Apache-2.0"),
    "text": DefaultModel("intfloat/multilingual-e5-small", 118, "MIT", "about 100"),
    "audio": DefaultModel("openai/whisper-base", 21, "Apache-2.0", "99"),
    "video": DefaultModel("google/siglip2-base-patch16-224", 93, "Apache-2.0"),
}
"""What the preset `standard` reads each modality with."""
