"""plait: multimodal learning on tables. Any columns in, any column out.

The public names are loaded on first use, so that `import plait` is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait import datasets
    from plait.data.read import read
    from plait.distillation import distil
    from plait.doctor import check
    from plait.ensemble.config import FitConfig
    from plait.errors import PlaitError
    from plait.estimators import PlaitClassifier, PlaitRegressor
    from plait.learning import compare, fit
    from plait.loading import load
    from plait.model import Model
    from plait.search.build import index
    from plait.spaces.aligning import align
    from plait.vectors import embed

__version__ = "0.1.0"

_HOMES = {
    "FitConfig": "plait.ensemble.config",
    "Model": "plait.model",
    "PlaitClassifier": "plait.estimators",
    "PlaitError": "plait.errors",
    "PlaitRegressor": "plait.estimators",
    "align": "plait.spaces.aligning",
    "check": "plait.doctor",
    "compare": "plait.learning",
    "distil": "plait.distillation",
    "embed": "plait.vectors",
    "fit": "plait.learning",
    "index": "plait.search.build",
    "load": "plait.loading",
    "read": "plait.data.read",
}

__all__ = [
    "FitConfig",
    "Model",
    "PlaitClassifier",
    "PlaitError",
    "PlaitRegressor",
    "align",
    "check",
    "compare",
    "datasets",
    "distil",
    "embed",
    "fit",
    "index",
    "load",
    "read",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("plait.datasets")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'plait' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
