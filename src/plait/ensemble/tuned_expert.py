"""An expert whose pretrained networks are trained on, from where the frozen ones stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from plait.cache import Encoded
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.tuned import FineTuned, learned_of, put_learned
from plait.ensemble.expert import State
from plait.ensemble.network_expert import NetworkExpert
from plait.network import Network
from plait.train.config import TrainConfig
from plait.train.record import Record

if TYPE_CHECKING:
    from plait.train.step import Lesson


class TunedExpert(NetworkExpert):
    """Learns a head on frozen Features, trains the networks with it, and goes part of the way back.

    See `plait.train.tuning`. Only what was trained is stored: the rest is read from the network
    itself.

    Args:
        first: learns the head.
        tuned: makes the encoder of each source whose network is trained on.
        tuning: how.
        train: settings of the training loop.

    Attributes:
        costs: on the rows held out, of each share of the way.
    """

    def __init__(
        self,
        first: NetworkExpert,
        tuned: Mapping[str, Callable[[], Encoder]],
        tuning: FineTuneConfig,
        train: TrainConfig,
    ) -> None:
        super().__init__(
            first.sources, first.target, first.fusion, first.settings, first.head, train,
            {**first.make, **tuned}, first.start,
        )  # fmt: skip
        self.first, self.tuning = first, tuning
        self.costs: dict[float, float] = {}

    def _begin(self, rows: Encoded, target: np.ndarray, weight: np.ndarray, seed: int) -> Network:
        """Return the network of the head, with encoders in the place of frozen Features."""
        self.first.fit(rows, target, weight, seed)
        head = self.first.network
        assert head is not None
        encoders = dict(head.by_name)
        for name in (name for name in self.make if name not in encoders):
            frozen = rows.encoders[name]
            assert isinstance(frozen, Pretrained)
            encoders[name] = FineTuned(frozen, self.tuning)
        return Network(encoders, head.fusion, head.task)

    def _learn(self, learner: Network, lesson: Lesson, seed: int, record: Record) -> None:
        """Train, and keep the best weights of the way."""
        from plait.train.loop import validate
        from plait.train.tuning import train_on

        network = self.network
        assert network is not None
        judge = self._judge()
        self.costs = train_on(
            network, lesson, seed,
            lambda: super(TunedExpert, self)._learn(learner, lesson, seed, record),
            lambda: validate(network, lesson, self.train_config, seed, judge),
        )  # fmt: skip

    def state(self) -> State:
        """Return the weights that were trained, and what the way to them cost."""
        state, network = super().state(), self.network
        assert network is not None
        return State(learned_of(network), {**state.facts, "costs": list(self.costs.items())})

    def load(self, state: State) -> None:
        """Read the networks, and put the trained weights into them."""
        self.costs = dict(state.facts["costs"])
        super().load(state)

    def _put(self, network: Network, tensors: Mapping[str, Tensor]) -> None:
        put_learned(network, tensors)
