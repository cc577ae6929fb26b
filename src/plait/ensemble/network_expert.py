"""An expert that is a network: a fusion and a task on the Features of its sources."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plait.cache import Encoded
from plait.catalog import FUSIONS, TASKS
from plait.ensemble.expert import Expert, State
from plait.fusion.fusion import FusionConfig
from plait.network import Network
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train.config import TrainConfig
from plait.types import Features

ROWS_A_BATCH = 4096


class NetworkExpert(Expert):
    """Trains a fusion by name on frozen Features."""

    def __init__(
        self,
        sources: tuple[str, ...],
        target: Target,
        fusion: str,
        settings: FusionConfig,
        head: HeadConfig,
        train: TrainConfig,
    ) -> None:
        super().__init__(sources, target)
        self.fusion, self.settings, self.head, self.train_config = (
            fusion,
            settings,
            head,
            train,
        )
        self.network: Network | None = None

    def _build(self, widths: dict[str, int]) -> Network:
        fusion = FUSIONS[self.fusion](widths, self.settings)
        return Network({}, fusion, TASKS[self.target.kind](fusion.width, self.target, self.head))

    def fit(self, rows: Encoded, target: np.ndarray, weight: np.ndarray, seed: int) -> None:
        """Build and train the network; the random numbers are its own."""
        from plait.train.loop import train  # predicting must not load what only training needs

        rows, target, weight = self.present_rows(rows, target, weight)
        features = self._features(rows)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # initial weights and dropout take torch's own generator
            self.network = self._build({name: part.width for name, part in features.items()})
            train(
                self.network,
                features,
                torch.from_numpy(target),
                torch.from_numpy(weight.astype(np.float32)),
                self.train_config,
                torch.Generator().manual_seed(seed),
            )

    def _features(self, rows: Encoded) -> dict[str, Features]:
        return {name: rows.features[name] for name in self.sources}

    @torch.no_grad()
    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c)."""
        assert self.network is not None
        features = self._features(rows)
        parts = [
            self.network.predict({name: part.take(batch) for name, part in features.items()})
            for batch in torch.arange(len(rows)).split(ROWS_A_BATCH)
        ]
        return torch.cat(parts).double().numpy()

    def state(self) -> State:
        """Return the weights, and the widths that the network was built for."""
        assert self.network is not None
        tensors: dict[str, Tensor] = dict(self.network.state_dict())
        return State(tensors, {"widths": self.network.fusion.widths})

    def load(self, state: State) -> None:
        """Build the network for the widths, and load the weights."""
        self.network = self._build(state.facts["widths"])
        self.network.load_state_dict(state.tensors)
        self.network.eval()
