"""The stages of learning to write: from texts, with the networks that read, from rewards."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plait.config import to_json
from plait.encoders.pretrained.tuned import tuned_of
from plait.making.training import Training, large
from plait.network import Network
from plait.tasks.language_model import LanguageModel
from plait.train.record import Record
from plait.writer.building import Build
from plait.writer.rewards import rewarded
from plait.writer.writer import Writer


@dataclass(frozen=True)
class Stages:
    """What a model learns from some rows, one stage after the other.

    Attributes:
        training: of a network, on these rows and their tokens.
        made: what reads the sources.
    """

    training: Training
    made: Build

    def texts(self, writer: Writer) -> Writer:
        """Learn from texts that people wrote, the encoders of pretrained networks as they are."""
        model, config = writer.task.decoder, writer.config
        if isinstance(model, LanguageModel):
            model.begin_learning()
        self.training.train(writer.network, config.writing, "Learning to write")
        if isinstance(model, LanguageModel):
            model.finish()
        return writer

    def networks(self, writer: Writer) -> Writer:
        """Let the pretrained networks that read learn with what learned on them as they were.

        A language model stays as the first stage left it; see `plait.train.tuning`.
        """
        from plait.train.loop import validate
        from plait.train.tuning import train_on

        network, config = writer.network, writer.config
        tuned = tuned_of(self.made.frozen, config.encoders.finetune)
        if not tuned:
            return writer
        encoders = network.by_name | tuned
        ordered = {name: encoders[name] for name in sorted(encoders)}
        whole = replace(writer, network=Network(ordered, network.fusion, network.task))
        training, settings = self.training, large(config.tuned)
        lesson = training.lesson(whole.network)
        model = writer.task.decoder
        learns = {
            w: w.requires_grad for w in model.parameters() if isinstance(model, LanguageModel)
        }
        for weight in learns:
            weight.requires_grad_(False)
        costs = train_on(
            whole.network, lesson, config.seed,
            lambda: training.train(
                whole.network, config.tuned, "Training networks on", "networks"
            ),
            lambda: validate(whole.network, lesson, settings, config.seed),
        )  # fmt: skip
        for weight, learned in learns.items():
            weight.requires_grad_(learned)
        facts = whole.facts | {"kept": min(costs, key=costs.__getitem__)}
        return replace(whole, facts=facts)

    def rewards(self, writer: Writer) -> Writer:
        """Learn from what texts are worth, if a reward is named."""
        from plait.train.loop import rows_held

        config, own = writer.config, self.training
        name = config.write.reinforce.reward
        if not name:
            return writer
        held = rows_held(own.lesson(writer.network), config.writing, own.seed)
        unseen = own.rows[held.numpy()]
        with own.progress.stage(f"Learning from {name}", config.rewarded.epochs) as advance:
            told = Record(own.checkpoint("rewards"), lambda _: advance(1))
            stages = rewarded(writer, own.encoded, own.material, own.rows, unseen, config, told)
        return replace(writer, facts=writer.facts | {"rewarded": to_json(list(stages))})
