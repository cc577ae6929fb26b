"""The small parts that encoders, fusions and tasks are built from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from plait.chance import Dropout


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute on so many threads, and give it back those it had afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread, and give it back its threads afterwards.

    Heads on frozen Features are many small products, in which threads mostly wait for one another
    (the quickstart took 124 s with two threads, 35 s with one); and sums that are divided among
    threads need not repeat to the bit.
    """
    with threads(1):
        yield


@contextmanager
def on_accelerator(network: nn.Module) -> Iterator[None]:
    """Let a network compute on the GPU, if there is one, and give it back to the CPU afterwards."""
    if not torch.cuda.is_available():
        yield
        return
    network.to("cuda")
    try:
        yield
    finally:
        network.cpu()


@cache
def has_bfloat16() -> bool:
    """Return whether this processor multiplies in bfloat16 quicker than in float32."""
    check: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(check and check())


def bytes_of(values: Iterable[Any]) -> int:
    """Return the bytes of the tensors among some values."""
    return sum(t.numel() * t.element_size() for t in values if isinstance(t, Tensor))


def renew(module: nn.Module) -> None:
    """Give every layer of a module new weights, from torch's own generator."""
    for layer in module.modules():
        reset = getattr(layer, "reset_parameters", None)
        if callable(reset):
            reset()


class Fitted(nn.Module):
    """A module whose buffers get their shapes when it is fitted, or when its state is loaded.

    `facts` are what was learned and is not a tensor (words, labels); they must be plain JSON.
    """

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, Any] = {}

    def get_extra_state(self) -> dict[str, Any]:
        """Return the facts, for `state_dict`."""
        return self.facts

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take the facts back, from `load_state_dict`."""
        self.facts = state

    def learn(self, **buffers: Tensor) -> None:
        """Store what was learned: float32, without gradients, laid out as a file gives it back."""
        for name, value in buffers.items():
            self.register_buffer(name, value.detach().float().contiguous())

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *rest: Any, **named: Any
    ) -> None:
        for name in self._buffers:
            if prefix + name in state_dict:
                self._buffers[name] = torch.empty_like(state_dict[prefix + name])
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)


class Standardise(Fitted):
    """Centre each feature, and scale all of them together so that a row has length near one.

    One scale for the whole block keeps the block's own proportions (what PCA ordered stays
    ordered), and gives every block of a row the same weight beside the others.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.learn(mean=torch.zeros(0), scale=torch.ones(()))

    def fit(self, values: Tensor) -> None:
        """Learn the mean and the typical length from (n d)."""
        mean = values.mean(dim=0)
        length = (values - mean).square().sum(dim=1).mean().sqrt()
        # What never changes here must not explode when it changes later.
        self.learn(mean=mean, scale=torch.where(length > 1e-6, length, torch.ones(())))

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d) in, (b d) out."""
        return (values - self.mean) / self.scale


class Bounded(nn.Module):
    """y = sqrt(d) x / sqrt(1 + |x|^2): outliers are pulled in, and no two rows become one.

    Layer normalisation would leave nothing of one number, and only the sign of two.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d) in, (b d) out."""
        length = (1 + values.square().sum(dim=-1, keepdim=True)).sqrt()
        return values * values.shape[-1] ** 0.5 / length


class MLP(nn.Sequential):
    """Linear, normalise, GELU, dropout, linear: (b d) in, (b width) out."""

    def __init__(self, width_in: int, width_hidden: int, width_out: int, dropout: float = 0.1):
        super().__init__(
            nn.Linear(width_in, width_hidden),
            nn.LayerNorm(width_hidden),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(width_hidden, width_out),
        )


def feed_forward(width: int, dropout: float) -> nn.Sequential:
    """Return the hidden layer of a Transformer: normalise, four times as wide with GELU, and back.

    Vaswani et al. (2017), section 3.3, normalising first. (b t d) in, (b t d) out.
    """
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, 4 * width),
        nn.GELU(),
        Dropout(dropout),
        nn.Linear(4 * width, width),
        Dropout(dropout),
    )
