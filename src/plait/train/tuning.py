"""Training networks on that were trained elsewhere, and going back as far as is best."""

from __future__ import annotations

from collections.abc import Callable

from plait.encoders.pretrained.tuned import FineTuned, fit_sharing
from plait.network import Network
from plait.train.interpolate import interpolate
from plait.train.optimise import weights_of
from plait.train.step import Lesson
from plait.types import Raw


def train_on(
    network: Network,
    lesson: Lesson,
    seed: int,
    learn: Callable[[], object],
    cost: Callable[[], float],
) -> dict[float, float]:
    """Train the pretrained networks inside a network whose other parts have learned already.

    With a head that was learned first, what the networks know is not torn down on the way (Kumar
    and others, LP-FT, ICLR 2022). Of the weights on the line between the two states, those that are
    best on the rows held out are kept (see `plait.train.interpolate`); the frozen ones are among
    them.

    Args:
        network: some of whose encoders are `FineTuned`.
        lesson: the training rows.
        seed: of everything random.
        learn: takes the steps.
        cost: of the weights that the network has when it is called, on the rows held out.

    Returns:
        The cost of each share of the way.
    """
    start = weights_of(network)
    tuned = {n: e for n, e in network.by_name.items() if isinstance(e, FineTuned)}
    fit_sharing(tuned, {n: s for n, s in lesson.rows.items() if isinstance(s, Raw)}, seed)
    learn()
    for encoder in tuned.values():
        encoder.finish()
    costs = interpolate(network, start, cost)
    network.eval()
    return costs
