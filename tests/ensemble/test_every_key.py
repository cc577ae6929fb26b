"""Every key of the settings has the effect that its name says.

The keys come from the dataclasses themselves: a new key without an entry here fails, and so does a
key that nothing reads.
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Iterator
from operator import attrgetter, ne
from pathlib import Path
from typing import Any

import lightgbm
import made_models
import numpy as np
import pytest
import torch
from made_media import RATE, moving, tone, video_file
from scipy.sparse import csr_matrix
from small_network import made

from plait.attention import Attention
from plait.cache import Encoded
from plait.chance import Dropout
from plait.data.audio import Sound
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.referred import Referred
from plait.data.series import read_series
from plait.data.table import Table
from plait.data.video import read_video
from plait.encoders.classical_image import ClassicalImage
from plait.encoders.classical_text import ClassicalText
from plait.encoders.classical_video import ClassicalVideo
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.tuned import FineTuned
from plait.ensemble.config import FitConfig
from plait.ensemble.contest import row_weights
from plait.ensemble.entrants import Entrant, build_encoder, build_expert
from plait.ensemble.linear import LinearExpert
from plait.ensemble.network_expert import NetworkExpert
from plait.ensemble.trees import TreesExpert
from plait.errors import ConfigError
from plait.model import prepare
from plait.progress import Progress
from plait.store import HOME, default_store
from plait.tasks.classify import Classify
from plait.tasks.several import Several
from plait.tasks.target import Target
from plait.train import loop, step
from plait.train.config import TrainConfig
from plait.types import Column, Features, Modality, Raw

NOTHING = np.zeros((1, 1), np.float32)


def keys(kind: type, before: str = "") -> Iterator[str]:
    """Yield the path of every key of a dataclass, those of nested ones with dots."""
    for field in dataclasses.fields(kind):
        default = getattr(kind(), field.name)
        path = before + field.name
        if dataclasses.is_dataclass(default):
            yield from keys(type(default), path + ".")
        else:
            yield path


def with_key(path: str, value: Any, config: Any = None) -> Any:
    """Return a configuration with one key changed."""
    config = config or FitConfig()
    name, _, rest = path.partition(".")
    inner = with_key(rest, value, getattr(config, name)) if rest else value
    return dataclasses.replace(config, **{name: inner})


# What is looked at.


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(10):
        picture = rng.integers(90, 130, (150, 200, 3)).astype(np.uint8)
        for _ in range(6):
            top, left = rng.integers(0, 120, 2)
            picture[top : top + 25, left : left + 40] = rng.integers(0, 255, 3)
        picture[rng.random((150, 200)) < 0.02] = 255
        made.append(picture)
    return made


def image(config: FitConfig) -> ClassicalImage:
    encoder = ClassicalImage(config.encoders.image)
    encoder.fit([encoder.preprocess([picture]) for picture in pictures()], NOTHING, 0)
    return encoder


def image_width(config: FitConfig) -> int:
    return image(config).width


def image_parts(config: FitConfig) -> tuple[np.ndarray, ...]:
    return ClassicalImage(config.encoders.image).preprocess([pictures()[0]])


def grain(config: FitConfig) -> float:
    """Return how much neighbouring pixels differ after denoising."""
    prepared = ClassicalImage(config.encoders.image)._prepare(pictures()[0])
    return float(np.abs(np.diff(prepared.astype(float), axis=0)).mean())


def weak_gradients(config: FitConfig) -> float:
    """Return the number of key points of a picture of little contrast."""
    dull = (pictures()[0] // 12 + 100).astype(np.uint8)
    return len(ClassicalImage(config.encoders.image).preprocess([dull])[0])


def pooled_words(config: FitConfig) -> tuple[int, float]:
    encoder = image(config)
    pooled = encoder.visual_words(image_parts(config)[0])
    return len(pooled), float(pooled.min())


TEXTS = [
    f"{size} {thing} and the Blue {thing} number{n}"
    for n in range(8)
    for size in ("Big", "small")
    for thing in ("lamp", "chair", "table")
]
TEXTS += [text.upper() for text in TEXTS[:4]]  # fmt: skip


WORDS = ["a red cup", "the dog", "a cat on the sofa", "large blue sky", "the table", "a photo"]


@functools.cache
def bert() -> str:
    """Return the folder of a small pretrained network for texts."""
    return str(made_models.bert(Path(tempfile.mkdtemp()) / "bert"))


def pretrained(config: FitConfig) -> tuple[Pretrained, tuple[np.ndarray, ...]]:
    """Return a fitted encoder and its sample of a text."""
    encoder = Pretrained("text", bert(), config.encoders.pretrained, 8, 30.0)
    samples = [encoder.preprocess(words) for words in WORDS]
    encoder.fit(samples, NOTHING, 0)
    return encoder, samples[2]


def prepared(config: FitConfig) -> Pretrained:
    encoder = Pretrained("text", bert(), config.encoders.pretrained, 8, 30.0)
    reader = Reader(Table.of({"words": WORDS}), Ledger())
    source = Source("words", "text", (Column("words", Modality.TEXT),))
    prepare(reader, [source], {"words": encoder}, Progress(show=False))
    return encoder


def batches(config: FitConfig) -> int:
    """Return in how many batches six texts are read."""
    config = with_key("encoders.pretrained.cache", False, config)
    with pytest.MonkeyPatch.context() as patch:
        calls: list[int] = []
        embed = Pretrained.embed
        patch.setattr(Pretrained, "embed", lambda *a: calls.append(1) or embed(*a))  # type: ignore[func-returns-value]
        prepared(config)
    return len(calls)


def kept(config: FitConfig) -> int:
    """Return how many vectors are in a new cache afterwards."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv(HOME, folder)
        prepared(config)
        return default_store().contents().values


def text(config: FitConfig) -> ClassicalText:
    encoder = ClassicalText(config.encoders.text)
    encoder.fit(TEXTS, NOTHING, 0)
    return encoder


def words(config: FitConfig) -> set[str]:
    return set(text(config).facts["words"])


def characters(config: FitConfig) -> int:
    return max(map(len, text(config).facts["characters"]), default=0)


N = 200
RNG = np.random.default_rng(0)
X = torch.from_numpy(RNG.normal(size=(N, 40)).astype(np.float32))
SIGNAL = (X[:, 0] * X[:, 1] + X[:, 2]).numpy() + 0.5 * RNG.normal(size=N)
VALUES = [("low", "mid", "high")[int(s > -0.6) + int(s > 0.6)] for s in SIGNAL]
TARGET = Target.learn("y", Modality.CATEGORY, VALUES)
HERE = torch.ones(N, dtype=torch.bool)
ROWS = Encoded(
    {"a": Features.from_pooled(X[:, :3], HERE), "b": Features.from_pooled(X[:, 3:], HERE)},
    {"b": csr_matrix(X.numpy() * (X.numpy() > 0.5))},
    {"a": [], "b": []},
)


NUMBERS = (3 * X[:, 0] + 0.1 * X[:, 1]).double().tolist()
NUMBER = Target.learn("y", Modality.NUMBER, NUMBERS)


def fit(expert: Any) -> Any:
    expert.fit(ROWS, TARGET.encode(VALUES), np.ones(N), 0)
    return expert


def network(config: FitConfig) -> NetworkExpert:
    """Return an expert trained for a few steps, unless the settings are about more."""
    start = FitConfig().train
    changes = {f.name: getattr(config.train, f.name) for f in dataclasses.fields(start)
               if getattr(config.train, f.name) != getattr(start, f.name)}  # fmt: skip
    short = {"epochs": 4, "least_steps": 1, "batch_size": 32, "patience": 99}
    settings = dataclasses.replace(start, **(short | changes))
    sources = ("a", "b")
    return fit(NetworkExpert(sources, TARGET, config.fusion, config.fusion_settings, config.head,
                             settings))  # fmt: skip


def network_size(config: FitConfig) -> int:
    return network(config).state().size


def attended(config: FitConfig) -> list[float]:
    return network(config).predict(ROWS).ravel().tolist()


def head_kinds(config: FitConfig) -> list[str]:
    return sorted(network(config).state().tensors)


def history(config: FitConfig) -> Any:
    """Return the losses of a training, and the rows and sources it was shown."""
    found: dict[str, Any] = {"hidden": 0}
    real_train, real_drop, real_step = loop.train, step.drop_sources, step.Step.__call__
    draws = []

    def drop(rows: Any, share: float, generator: torch.Generator) -> Any:
        shown = real_drop(rows, share, generator)
        found["batch"] = max(found.get("batch", 0), len(shown["a"]))
        found["hidden"] += int((~shown["a"].present).sum() + (~shown["b"].present).sum())
        return shown

    def train(*arguments: Any) -> Any:
        found["history"] = real_train(*arguments)
        return found["history"]

    def take(self: Any, lesson: Any, batch: torch.Tensor) -> float:
        draws.append(batch)
        return real_step(self, lesson, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step.Step, "__call__", take)
        patch.setattr(step, "drop_sources", drop)
        patch.setattr(loop, "train", train)
        found["network"] = network(config).network
    found["repeats"] = len(torch.cat(draws)) / len(set(torch.cat(draws[:5]).tolist()))
    found["epochs"] = len(found["history"].training)
    found["learned"] = found["history"].training[0] - found["history"].training[-1]
    found["length"] = sum(float(p.detach().square().sum()) for p in found["network"].parameters())
    return found


def linear(config: FitConfig) -> LinearExpert:
    return fit(LinearExpert(("b",), TARGET, config.linear))


def linear_loss(config: FitConfig) -> float:
    scores = linear(config).predict(ROWS)
    return float(-(np.log(scores) * TARGET.encode(VALUES)).sum(axis=1).mean())


def trees(config: FitConfig) -> dict[str, Any]:
    base = FitConfig().trees
    changes = {f.name: getattr(config.trees, f.name) for f in dataclasses.fields(base)
               if getattr(config.trees, f.name) != getattr(base, f.name)}  # fmt: skip
    settings = dataclasses.replace(base, **({"rounds": 12} | changes))
    expert = TreesExpert(("a", "b"), NUMBER, settings)
    rounds = []
    update = lightgbm.Booster.update
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            lightgbm.Booster, "update", lambda *a, **k: rounds.append(1) or update(*a, **k)
        )
        expert.fit(ROWS, NUMBER.encode(NUMBERS), np.ones(N), 0)
    booster = expert.boosters[0]
    table = booster.trees_to_dataframe()
    leaves = table[table["left_child"].isna()]
    return {
        "rounds": len(rounds),
        "leaves": leaves.groupby("tree_index").size().max(),
        "leaf": leaves["count"].min(),
        "width": booster.num_feature(),
        "first": leaves["value"][leaves["tree_index"] == 0].std(),
    }


def shorter(before: Any, after: Any) -> bool:
    return after < before


def longer(before: Any, after: Any) -> bool:
    return after > before


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a key does: `look` at the default and at `value`, and `compare` the two."""

    says: str
    value: Any
    look: Callable[[FitConfig], Any]
    compare: Callable[[Any, Any], bool]
    start: tuple[tuple[str, Any], ...] = ()


MLP = (("head.kind", "mlp"), ("head.hidden", 16))
ATTENTION = (
    ("fusion", "self_attention"),
    ("fusion_settings.width", 16),
    ("fusion_settings.layers", 1),
)

TRAINED = {
    "image": "transformer", "text": "transformer", "table": "transformer", "audio": "transformer",
    "video": "lstm", "series": "transformer",
}  # fmt: skip
SOURCES = {
    "image": Source("photo", "image", (Column("photo", Modality.IMAGE),)),
    "text": Source("title", "text", (Column("title", Modality.TEXT),)),
    "audio": Source("sound", "audio", (Column("sound", Modality.AUDIO),)),
    "video": Source("clip", "video", (Column("clip", Modality.VIDEO),)),
    "series": Source("pulse", "series", (Column("pulse", Modality.SERIES, size=1),)),
    "vector": Source("code", "vector", (Column("code", Modality.VECTOR, size=40),)),
    "table": Source("table", "table", (Column("size", Modality.NUMBER),)),
}


def trained(kind: str, config: FitConfig) -> Encoder:
    """Return a fitted encoder that is trained, of a kind of source."""
    named = dataclasses.replace(config.encoders, **{f"of_{kind}": TRAINED[kind]})
    encoder = build_encoder(SOURCES[kind], named)
    several = [f"{text} {text[::-1]}" for text in TEXTS]  # more pairs of letters than 300 hold
    encoder.fit(several if kind == "text" else [None], NOTHING, 0)
    return encoder


def kind_of(kind: str) -> Callable[[FitConfig], str]:
    """Return what names the class of the encoder of a kind of source."""
    return lambda c: type(build_encoder(SOURCES[kind], c.encoders)).__name__


def sounds() -> list[Sound]:
    pitches = np.random.default_rng(0).uniform(200, 2000, 30)
    return [Sound(tone(pitch, 0.5 + pitch / 4000), RATE) for pitch in pitches]


LONG = Sound(tone(440, 2.0), RATE)


def spectrum(config: FitConfig) -> tuple[int, int]:
    """Return how many frames and bands a trained encoder hears of two seconds."""
    frames: tuple[int, int] = trained("audio", config).preprocess(LONG)[0].shape
    return frames


def heard(config: FitConfig) -> int:
    """Return how many statistics of a sound there are."""
    return len(build_encoder(SOURCES["audio"], config.encoders).preprocess(LONG)[0])


def waveform(config: FitConfig) -> int:
    """Return how many samples are heard of two seconds."""
    named = dataclasses.replace(config.encoders, of_audio="waveform")
    return len(build_encoder(SOURCES["audio"], named).preprocess(LONG)[0])


def series() -> list[Any]:
    return [read_series(row.cumsum()) for row in np.random.default_rng(0).normal(size=(70, 300))]


def described(config: FitConfig) -> int:
    """Return how many statistics of a series there are."""
    return len(build_encoder(SOURCES["series"], config.encoders).preprocess(series()[0])[0])


def steps(config: FitConfig) -> int:
    return len(trained("series", config).preprocess(series()[0])[0])


def frames(config: FitConfig) -> int:
    return len(trained("video", config).preprocess(read_video(video_file(moving(20, 1))))[0])


def motion(config: FitConfig) -> int:
    encoder = build_encoder(SOURCES["video"], config.encoders)
    assert isinstance(encoder, ClassicalVideo)
    videos = [read_video(video_file(moving(16, speed))) for speed in range(8)]
    encoder.fit([encoder.preprocess(video) for video in videos], NOTHING, 0)
    return encoder.motion.width


def width_of(kind: str, values: Callable[[], Any]) -> Callable[[FitConfig], int]:
    """Return what gives the width of the classical encoder of a kind of source."""

    def width(config: FitConfig) -> int:
        encoder = build_encoder(SOURCES[kind], config.encoders)
        encoder.fit([encoder.preprocess(value) for value in values()], NOTHING, 0)
        return encoder.width

    return width


def weights(config: FitConfig) -> int:
    return sum(p.numel() for p in trained("image", config).parameters())


def seen(config: FitConfig) -> list[Any]:
    """Return the tokens of a picture, twice as in training."""
    encoder = trained("image", config).train()
    for module in encoder.modules():
        if isinstance(module, Dropout):
            module.share = 0.0
        if isinstance(module, Attention):
            module.dropout = 0.0
    sample = encoder.preprocess([pictures()[0]])
    torch.manual_seed(0)
    with torch.no_grad():
        return [encoder([sample]).tokens for _ in range(6)]


def attention(config: FitConfig) -> list[tuple[int, float]]:
    found = trained("image", config).modules()
    return [(m.heads, m.dropout) for m in found if isinstance(m, Attention)]


def deep(config: FitConfig) -> TrainConfig:
    """Return the settings that reach the loop of a network with an encoder of its own."""
    config = with_key("encoders.of_image", "convolutional", config)
    entrant = Entrant("photo", "single", "network", ("photo",))
    expert = build_expert(entrant, TARGET, config, [SOURCES["image"]])
    assert isinstance(expert, NetworkExpert)
    return expert.train_config


def tuned(config: FitConfig) -> TrainConfig:
    """Return the settings that reach the loop of a pretrained network that is trained on."""
    config = with_key("encoders.of_text", bert(), config)
    entrant = Entrant("tuned", "single", "tuned", ("title",))
    expert = build_expert(entrant, TARGET, config, [TITLE])
    assert isinstance(expert, NetworkExpert)
    return expert.train_config


def trained_on(config: FitConfig) -> FineTuned:
    encoder = FineTuned(pretrained(config)[0], config.encoders.finetune)
    encoder.fit([encoder.preprocess(words) for words in WORDS], NOTHING, 0)
    return encoder


def rates(config: FitConfig) -> dict[str, float]:
    """Return the learning rate of every weight of a pretrained network that is trained on."""
    encoder = trained_on(config)
    found = encoder.rates()
    return {name: found[w] for name, w in encoder.network.named_parameters() if w in found}


def checkpointed(config: FitConfig) -> bool:
    encoder = trained_on(config)
    return any(getattr(m, "gradient_checkpointing", False) for m in encoder.network.modules())


TITLE = Source("title", "text", (Column("title", Modality.TEXT),))
ALL = (("encoders.finetune.way", "all"),)
LAST = (("encoders.finetune.way", "last"),)
LORA = (("encoders.finetune.way", "lora"),)


def fewer_keys(before: dict[str, float], after: dict[str, float]) -> bool:
    return len(after) < len(before)


def lora_size(config: FitConfig) -> int:
    """Return how many numbers are learned beside the weights."""
    encoder = trained_on(config)
    return sum(weight.numel() for weight in encoder.rates())


DEEP = {
    "epochs": 7, "least_steps": 7, "batch_size": 7, "accumulate": 7, "precision": "bfloat16",
    "learning_rate": 0.7, "weight_decay": 0.7, "clip": 7.0, "average": 0.7, "patience": 7,
    "stop_on": "accuracy", "validation_share": 0.3, "balanced": True, "together": 7,
    "modality_dropout": 0.7, "token_dropout": 0.7, "mixup": 0.7, "modulation": 0.7, "noise": True,
}  # fmt: skip


def modulated(config: FitConfig) -> list[float]:
    """Return the weights of two encoders that learned together, one from much better samples."""
    network, rows, target = made()
    short = {"epochs": 2, "least_steps": 1, "batch_size": 5}
    torch.manual_seed(0)
    lesson = step.Lesson(rows, target, torch.ones(len(target)))
    loop.train(network, lesson, dataclasses.replace(config.train, **short), 0)
    return torch.cat([p.detach().ravel() for p in network.encoders.parameters()]).tolist()


def encoded(config: FitConfig) -> int:
    """Return how many samples are encoded in a training on rows of which four share each."""
    network, rows, target = made()
    places, count = np.arange(20) % 5, 0
    shared = Referred([rows["a"][row] for row in range(5)], places)
    there = torch.ones(20).bool()
    rows["a"] = Raw(shared, torch.arange(20), there, torch.from_numpy(places))

    def note(_: Any, given: tuple[torch.Tensor], __: Any) -> None:
        nonlocal count
        count += len(given[0])

    network.by_name["a"].layer.register_forward_hook(note)
    lesson = step.Lesson(rows, target, torch.ones(20))
    short = {"epochs": 2, "least_steps": 1, "batch_size": 4, "validation_share": 0.0}
    short["modality_dropout"] = 0.0
    loop.train(network, lesson, dataclasses.replace(config.train, **short), 0)
    return count


def shares(config: FitConfig) -> list[float]:
    """Return the weights by which rare and frequent classes are learned."""
    truth = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    return row_weights(truth, config).tolist()


def losses(config: FitConfig) -> list[float]:
    """Return what the head's loss is of scores that are right, wrong and undecided."""
    task = Classify(3, TARGET, config.head)
    scores = torch.tensor([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    with torch.no_grad():
        return task.row_losses(scores, torch.eye(3)[[0, 0, 2]]).tolist()


def weighing(config: FitConfig) -> list[float]:
    """Return the gradient of the weights of two targets."""
    numbers = (np.arange(N) % 7).astype(float).tolist()
    target = Target.together([TARGET, Target.learn("z", Modality.NUMBER, numbers)])
    task = Several(3, target, config.head)
    truth = torch.from_numpy(target.encode(list(zip(VALUES, numbers, strict=True))))
    rows = Features.from_pooled(torch.ones(N, 3), torch.ones(N, dtype=torch.bool))
    task.loss(rows, truth, torch.ones(N)).backward()
    gradient = task.log_variances.grad
    return [0.0] if gradient is None else gradient.tolist()


EFFECTS = {
    **{
        f"deep.{name}": Effect("reaches the loop that trains encoders", value, deep, ne)
        for name, value in DEEP.items()
    },
    **{
        f"tuned.{name}": Effect("reaches the loop that trains on", value, tuned, ne)
        for name, value in DEEP.items()
    },
    "encoders.finetune.way": Effect("weights learn", "all", rates, lambda a, b: a != b, LAST),
    "encoders.finetune.layers": Effect("fewer learn", 1, rates, fewer_keys, LAST),
    "encoders.finetune.rank": Effect("smaller changes", 2, lora_size, shorter, LORA),
    "encoders.finetune.rate": Effect("slower", 1e-6, rates, ne, ALL),
    "encoders.finetune.decay": Effect(
        "all alike", 1.0, lambda c: len(set(rates(c).values())), lambda a, b: b == 1 < a, ALL
    ),
    "encoders.finetune.checkpointing": Effect(
        "layers are computed twice", True, checkpointed, lambda a, b: b and not a, ALL
    ),
    "train.accumulate": Effect(
        "smaller batches at once", 4, lambda c: history(c)["batch"], lambda a, b: (a, b) == (32, 8)
    ),
    "train.precision": Effect(
        "fewer digits",
        "bfloat16",
        lambda c: history(c)["history"].training[-1],
        lambda a, b: a != b and abs(a - b) < 0.05,
    ),
    "train.average": Effect("moves less", 0.99, lambda c: history(c)["length"], shorter),
    "train.stop_on": Effect(
        "looks at the share of errors, not the loss",
        "accuracy",
        lambda c: history(c)["history"].validation,
        lambda a, b: min(a) > 0 and all(-1 <= value <= 0 for value in b),
    ),
    "train.balanced": Effect("rows come again", True, lambda c: history(c)["repeats"], longer),
    "train.together": Effect("rows of one sample side by side", 4, encoded, shorter),
    "train.token_dropout": Effect(
        "other tokens are seen", 0.5, lambda c: history(c)["learned"], ne, ATTENTION
    ),
    "train.mixup": Effect(
        "blended rows are harder", 1.0, lambda c: history(c)["history"].training[-1], longer
    ),
    "train.modulation": Effect("holds one encoder back", 0.5, modulated, ne),
    "train.noise": Effect("is added", True, modulated, ne, (("train.modulation", 0.5),)),
    "class_weights": Effect(
        "the rare class weighs more",
        True,
        shares,
        lambda a, b: a == [1, 1, 1, 1] and b == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2]),
    ),
    "head.loss": Effect(
        "what is right counts for less",
        "focal",
        losses,
        lambda a, b: b[0] / b[1] < 0.1 * a[0] / a[1],
    ),
    "head.focusing": Effect(
        "even less",
        4.0,
        losses,
        lambda a, b: b[0] / b[1] < a[0] / a[1],
        (("head.loss", "focal"),),
    ),
    "head.strength": Effect(
        "the prior does not count", 0.0, losses, ne, (("head.loss", "adjusted"),)
    ),
    "head.weighting": Effect(
        "no weight is learned", "equal", weighing, lambda a, b: any(a) and not any(b)
    ),
    "train.clip": Effect(
        "smaller steps", 1e-3, lambda c: history(c)["length"], ne, (("train.learning_rate", 0.1),)
    ),
    "encoders.of_image": Effect("another encoder", "convolutional", kind_of("image"), ne),
    "encoders.of_text": Effect("another encoder", "gru", kind_of("text"), ne),
    "encoders.of_audio": Effect("another encoder", "waveform", kind_of("audio"), ne),
    "encoders.of_video": Effect("another encoder", "transformer", kind_of("video"), ne),
    "encoders.of_series": Effect("another encoder", "gru", kind_of("series"), ne),
    "encoders.of_vector": Effect("another encoder", "mlp", kind_of("vector"), ne),
    "encoders.of_table": Effect("another encoder", "mlp", kind_of("table"), ne),
    "encoders.pretrained.width": Effect(
        "fewer components", 3, lambda c: pretrained(c)[0].width, shorter
    ),
    "encoders.pretrained.tokens": Effect(
        "tokens kept", 3, lambda c: len(pretrained(c)[1]), lambda a, b: (a, b) == (1, 4)
    ),
    "encoders.pretrained.batch_size": Effect("more batches", 2, batches, longer),
    "encoders.pretrained.prompt": Effect(
        "other vectors", "photo of", lambda c: pretrained(c)[1][0].tolist(), ne
    ),
    "encoders.pretrained.longest_text": Effect(
        "a text is cut",
        5,
        lambda c: len(pretrained(c)[0].backbone.prepare("a red cup on the table")[0]),
        lambda a, b: b == 5 < a,
    ),
    "encoders.pretrained.precision": Effect(
        "fewer digits",
        "bfloat16",
        lambda c: pretrained(c)[1][0],
        lambda a, b: 0 < np.abs(a - b).max() < 0.1,
        (("encoders.pretrained.precision", "float32"),),
    ),
    "encoders.pretrained.cache": Effect("nothing is kept", False, kept, lambda a, b: a > 0 == b),
    "encoders.trained.width": Effect("fewer weights", 16, weights, shorter),
    "encoders.trained.layers": Effect("fewer weights", 1, weights, shorter),
    "encoders.trained.heads": Effect(
        "other heads", 8, attention, lambda a, b: (a[0][0], b[0][0]) == (4, 8)
    ),
    "encoders.trained.dropout": Effect(
        "more is dropped", 0.5, attention, lambda a, b: (a[0][1], b[0][1]) == (0.1, 0.5)
    ),
    "encoders.trained.vocabulary": Effect(
        "fewer subwords",
        300,
        lambda c: trained("text", c).stem.vectors.num_embeddings,
        lambda a, b: b == 300 < a,
    ),
    "encoders.trained.longest": Effect(
        "texts are cut",
        3,
        lambda c: trained("text", c)(TEXTS).tokens.shape[1],
        lambda a, b: b == 3 < a,
    ),
    "encoders.trained.side": Effect(
        "smaller pictures",
        16,
        lambda c: trained("image", c).preprocess([pictures()[0]]).shape,
        lambda a, b: (a, b) == ((1, 64, 64, 3), (1, 16, 16, 3)),
    ),
    "encoders.trained.patch": Effect(
        "more patches", 4, lambda c: seen(c)[0].shape[1], lambda a, b: (a, b) == (64, 256)
    ),
    "encoders.trained.augment": Effect(
        "the same picture every time",
        False,
        lambda c: len({round(float(tokens.sum()), 4) for tokens in seen(c)}),
        lambda a, b: b == 1 < a,
    ),
    "encoders.trained.operations": Effect(
        "another picture every time",
        2,
        lambda c: len({round(float(tokens.sum()), 4) for tokens in seen(c)}),
        lambda a, b: a == 1 < b,
        (("encoders.trained.augment", False),),
    ),
    "encoders.trained.magnitude": Effect(
        "other changes",
        30,
        lambda c: [round(float(tokens.sum()), 4) for tokens in seen(c)],
        ne,
        (("encoders.trained.augment", False), ("encoders.trained.operations", 2)),
    ),
    "encoders.image.colour": Effect("colours are no part of it", False, image_width, shorter),
    "encoders.image.denoise": Effect("specks go", "median", grain, lambda a, b: b < 0.8 * a),
    "encoders.image.equalise": Effect("dull pictures show more", True, weak_gradients, longer),
    "encoders.image.side": Effect(
        "fewer key points in a smaller picture", 32, lambda c: len(image_parts(c)[0]), shorter
    ),
    "encoders.image.hog_side": Effect(
        "fewer cells", 32, lambda c: len(image_parts(c)[2]), lambda a, b: (a, b) == (1764, 324)
    ),
    "encoders.image.words": Effect(
        "a smaller vocabulary", 8, lambda c: pooled_words(c)[0], lambda a, b: b == a / 4
    ),
    "encoders.image.pooling": Effect(
        "counts, not differences",
        "words",
        pooled_words,
        lambda a, b: a[0] == 128 * b[0] and b[1] >= 0 > a[1],
    ),
    "encoders.image.width": Effect(
        "fewer components", 4, image_width, lambda a, b: b == 4 + 4 + 2 < a
    ),
    "encoders.text.lower": Effect("case is kept", False, words, lambda a, b: "Big" in b - a),
    "encoders.text.stop_words": Effect(
        "the is left out", "english", words, lambda a, b: "the" in a - b
    ),
    "encoders.text.max_share": Effect("blue is in all", 0.9, words, lambda a, b: "blue" in a - b),
    "encoders.text.word_run": Effect("no pairs", 1, words, lambda a, b: "big lamp" in a - b),
    "encoders.text.character_run": Effect(
        "shorter runs", 3, characters, lambda a, b: (a, b) == (5, 3)
    ),
    "encoders.text.vocabulary": Effect(
        "fewer words", 7, lambda c: len(words(c)), lambda a, b: b == 7 < a
    ),
    "encoders.text.width": Effect(
        "fewer components", 3, lambda c: text(c).width, lambda a, b: b == 3 < a
    ),
    "encoders.sound.rate": Effect(
        "half as many samples", 8000, waveform, lambda a, b: (a, b) == (32000, 16000)
    ),
    "encoders.sound.longest_seconds": Effect(
        "the end is not heard", 1.0, waveform, lambda a, b: (a, b) == (32000, 16000)
    ),
    "encoders.sound.mels": Effect(
        "fewer bands", 32, spectrum, lambda a, b: (a, b) == ((198, 64), (198, 32))
    ),
    "encoders.sound.coefficients": Effect(
        "less of the cepstrum", 8, heard, lambda a, b: a - b == 12 * (7 + 3)
    ),
    "encoders.sound.width": Effect(
        "fewer components", 5, width_of("audio", sounds), lambda a, b: b == 5 < a
    ),
    "encoders.video.frames": Effect(
        "fewer are looked at", 3, frames, lambda a, b: (a, b) == (8, 3)
    ),
    "encoders.video.motion": Effect("fewer components", 2, motion, lambda a, b: b == 2 < a),
    "encoders.series.steps": Effect(
        "more neighbours are averaged", 30, steps, lambda a, b: (a, b) == (150, 30)
    ),
    "encoders.series.lags": Effect("less far back", 3, described, lambda a, b: a - b == 5),
    "encoders.series.bands": Effect("coarser", 3, described, lambda a, b: a - b == 5),
    "encoders.series.width": Effect(
        "fewer components", 5, width_of("series", series), lambda a, b: b == 5 < a
    ),
    "encoders.vector.width": Effect(
        "fewer components", 5, width_of("vector", lambda: X.numpy()), lambda a, b: (a, b) == (40, 5)
    ),
    "head.kind": Effect(
        "a hidden layer", "mlp", head_kinds, lambda a, b: "task.head.4.weight" in set(b) - set(a)
    ),
    "head.hidden": Effect("a smaller hidden layer", 8, network_size, shorter, MLP),
    "head.dropout": Effect(
        "learns more slowly", 0.9, lambda c: history(c)["history"].training[-1], longer, MLP
    ),
    "train.epochs": Effect(
        "more passes", 6, lambda c: history(c)["epochs"], lambda a, b: (a, b) == (4, 6)
    ),
    "train.least_steps": Effect(
        "small tables get more", 60, lambda c: history(c)["epochs"], lambda a, b: (a, b) == (4, 10)
    ),
    "train.batch_size": Effect(
        "rows a step", 50, lambda c: history(c)["batch"], lambda a, b: (a, b) == (32, 50)
    ),
    "train.learning_rate": Effect("faster", 0.1, lambda c: history(c)["learned"], longer),
    "train.weight_decay": Effect("shorter weights", 5.0, lambda c: history(c)["length"], shorter),
    "train.patience": Effect(
        "stops sooner",
        1,
        lambda c: history(c)["epochs"],
        shorter,
        (("train.epochs", 30), ("train.learning_rate", 0.3)),
    ),
    "train.validation_share": Effect(
        "no row is held out",
        0.0,
        lambda c: history(c)["history"].validation[0],
        lambda a, b: np.isfinite(a) and np.isnan(b),
    ),
    "train.modality_dropout": Effect(
        "more sources hidden", 0.5, lambda c: history(c)["hidden"], lambda a, b: b > 2 * a > 0
    ),
    "linear.strength": Effect("fits less closely", 0.01, linear_loss, longer),
    "linear.iterations": Effect("stops before it fits", 2, linear_loss, longer),
    "trees.rounds": Effect(
        "fewer rounds", 5, lambda c: trees(c)["rounds"], lambda a, b: (a, b) == (12, 5)
    ),
    "trees.trees": Effect(
        "fewer trees in all", 9, lambda c: trees(c)["rounds"], lambda a, b: (a, b) == (12, 9)
    ),
    "trees.leaves": Effect(
        "smaller trees", 3, lambda c: trees(c)["leaves"], lambda a, b: b == 3 < a
    ),
    "trees.learning_rate": Effect("larger steps", 0.9, lambda c: trees(c)["first"], longer),
    "trees.least_rows": Effect(
        "fuller leaves", 30, lambda c: trees(c)["leaf"], lambda a, b: 10 <= a < 30 <= b
    ),
    "trees.patience": Effect(
        "stops sooner", 1, lambda c: trees(c)["rounds"], shorter, (("trees.rounds", 60),)
    ),
    "trees.reduced_to": Effect(
        "fewer components", 5, lambda c: trees(c)["width"], lambda a, b: (a, b) == (3 + 32, 3 + 5)
    ),
    "fusion": Effect(
        "gates", "gated", head_kinds, lambda a, b: "fusion.gate.weight" in set(b) - set(a)
    ),
    "fusion_settings.width": Effect(
        "a narrower joint vector", 4, network_size, shorter, (("fusion", "mean"),)
    ),
    "fusion_settings.heads": Effect("other tokens are looked at", 2, attended, ne, ATTENTION),
    "fusion_settings.layers": Effect("a deeper network", 2, network_size, longer, ATTENTION),
    "fusion_settings.dropout": Effect(
        "learns less of the training rows", 0.8, lambda c: history(c)["learned"], shorter, ATTENTION
    ),
    "fusion_settings.bottlenecks": Effect(
        "more tokens between", 9, network_size, longer, (*ATTENTION[1:], ("fusion", "bottleneck"))
    ),
    "fusion_settings.rank": Effect(
        "a smaller tensor",
        2,
        network_size,
        shorter,
        (("fusion", "low_rank"), ("fusion_settings.width", 8)),
    ),
    "fusion_settings.members": Effect(
        "more networks", 20, network_size, longer, (("fusion", "ensemble"),)
    ),
}
"""One entry a key. Keys of the contest itself stand in `OF_THE_CONTEST`."""

OF_THE_CONTEST = {"metric", "folds", "seed", "max_bad_share", "drop"}
"""Keys whose effect is tested with whole contests, in tests/test_fitting.py and test_race.py."""


def test_every_key_has_an_entry() -> None:
    found = list(keys(FitConfig))
    assert len(found) > 40
    # Those of what is written, segmented and drawn are in tests/writer, segmenter and drawer.
    makes = ("write.", "writing.", "rewarded.", "segment.", "segmenting.", "draw.", "drawing.")
    assert {k for k in found if not k.startswith(makes)} == set(EFFECTS) | OF_THE_CONTEST


@pytest.mark.parametrize("key", EFFECTS)
def test_key_has_its_effect(key) -> None:
    effect = EFFECTS[key]
    start = FitConfig()
    for path, value in effect.start:
        start = with_key(path, value, start)
    before, after = effect.look(start), effect.look(with_key(key, effect.value, start))
    assert effect.compare(before, after), f"{key}: {effect.says}? {before!r:.200} {after!r:.200}"


LIMITS = {
    "encoders.image": {"side": 15, "hog_side": 15, "words": 1, "width": 0},
    "encoders.text": {"max_share": 1.1, "word_run": 0, "character_run": 9, "vocabulary": 0,
                      "width": 0},
    "encoders.sound": {"rate": 99, "longest_seconds": 0.0, "mels": 7, "coefficients": 65,
                       "width": 0},
    "encoders.video": {"frames": 0, "motion": 0},
    "encoders.series": {"steps": 1, "lags": 0, "bands": 0, "width": 0},
    "encoders.vector": {"width": 0},
    "encoders.trained": {"width": 7, "layers": -1, "heads": 0, "dropout": 1.0, "vocabulary": 299,
                         "longest": 0, "side": 7, "patch": 0, "operations": -1, "magnitude": 31},
    "fusion_settings": {"width": 0, "heads": 0, "layers": 0, "dropout": 1.0, "bottlenecks": 0,
                        "rank": 0, "members": 1},
    "head": {"focusing": -1.0, "strength": -1.0, "hidden": 1, "dropout": 1.0},
    "train": {"epochs": 0, "least_steps": 0, "batch_size": 0, "accumulate": 0,
              "learning_rate": 0.0, "weight_decay": -1.0, "clip": -1.0, "average": 1.0,
              "patience": 0, "validation_share": 0.6, "together": 0, "modality_dropout": 1.0,
              "token_dropout": 1.0, "mixup": -1.0, "modulation": -1.0},
    "encoders.pretrained": {"width": -1, "tokens": -1, "batch_size": 0, "longest_text": -1},
    "encoders.finetune": {"layers": 0, "rank": 0, "rate": -1.0, "decay": 0.0},
    "linear": {"strength": -1.0, "iterations": 0},
    "trees": {"rounds": 0, "trees": 0, "leaves": 1, "learning_rate": 0.0, "least_rows": 0,
              "patience": 0, "reduced_to": 0},
}  # fmt: skip


@pytest.mark.parametrize(("part", "key"), [(p, k) for p, some in LIMITS.items() for k in some])
def test_numbers_out_of_range_are_refused(part, key) -> None:
    with pytest.raises(ConfigError, match=f"Setting '{key}' must be between"):
        with_key(f"{part}.{key}", LIMITS[part][key])


def test_every_number_has_a_range() -> None:
    for part, limits in LIMITS.items():
        default = attrgetter(part)(FitConfig())
        numbers = {f.name for f in dataclasses.fields(default)
                   if type(getattr(default, f.name)) in (int, float)}  # fmt: skip
        assert numbers == set(limits)
