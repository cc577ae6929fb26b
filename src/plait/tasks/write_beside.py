"""A text and other targets at once: one network, a decoder, and a head for each of the others."""

from __future__ import annotations

from torch import Tensor

from plait.tasks.several import Several
from plait.tasks.task import Objective
from plait.tasks.write import Write
from plait.types import Features


class WriteBeside(Objective):
    """The loss of a text, and those of the other targets, weighed as `Several` weighs them.

        L = L_text + sum over the known others t of exp(-s_t) L_t + s_t / 2

    Args:
        write: the text's task.
        others: that of the others; a row may lack some of them, or all.
    """

    def __init__(self, write: Write, others: Several) -> None:
        super().__init__()
        self.write, self.others = write, others

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            features: of b rows.
            target: (b c+t), the others' as `Target.encode` gives them, then the tokens of the text.
            weight: (b).
        """
        width = self.others.target.width
        truth, tokens = target[:, :width], target[:, width:].long()
        text = self.write.loss(features, tokens, weight)
        return text + self.others.loss(features, truth, weight).to(text.dtype)

    def predict(self, features: Features) -> Tensor:
        """Return (b t) tokens of the texts."""
        return self.write.predict(features)


def writes(task: Objective) -> Write:
    """Return what writes the text, whether there are other targets beside it or not."""
    task = task.write if isinstance(task, WriteBeside) else task
    assert isinstance(task, Write)
    return task
