"""How far an answer can be trusted: what confidence meant on rows that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.errors import ConfigError
from plait.metrics.selective import area_under_risk, risk_coverage, threshold_for


@dataclass(frozen=True)
class Trust:
    """Held-out answers: how sure the model was of each, and whether it was right.

    Attributes:
        confidence: of n rows.
        right: 1 where the answer was one that people gave, else 0.
    """

    confidence: tuple[float, ...]
    right: tuple[float, ...]

    @property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.confidence), np.array(self.right) > 0.5

    def probability(self, confidence: np.ndarray) -> np.ndarray:
        """Return (n) shares of right answers among held-out rows of such a confidence.

        A rising step function (isotonic regression; Zadrozny and Elkan, KDD 2002).
        """
        from sklearn.isotonic import IsotonicRegression

        fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        fitted.fit(np.array(self.confidence), np.array(self.right))
        known = ~np.isnan(confidence)
        found = np.full(len(confidence), np.nan)
        if known.any():
            found[known] = fitted.predict(confidence[known])
        return found

    def threshold(self, error_rate: float) -> float:
        """Return the confidence from which on answers are wrong at most so often.

        Raises:
            ConfigError: for a rate that is no share, or that no threshold keeps.
        """
        if not 0 < error_rate < 1:
            raise ConfigError(f"The error rate must lie between 0 and 1, found {error_rate}.")
        found = threshold_for(*self._arrays, error_rate)
        if np.isinf(found):
            errors = 1 - float(np.mean(self.right))
            raise ConfigError(
                f"No confidence keeps the error rate at {error_rate:g} on the {len(self.right):,} "
                f"held-out rows (all answers together are wrong in {errors:.3f}); accept more, or "
                "hold out more rows."
            )
        return found

    def curve(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Return coverage and risk, (n) each, and the mean risk; see `risk_coverage`."""
        return *risk_coverage(*self._arrays), area_under_risk(*self._arrays)
