"""How well the edges of masks lie where they should."""

from __future__ import annotations

import numpy as np

TOLERANCE = 0.0075
"""How far an edge may be off, as a share of the picture's diagonal."""


def boundary_f1(
    truth: np.ndarray, predicted: np.ndarray, classes: int, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Return (c) F1 of the boundaries of each class: the harmonic mean of two shares.

    Precision is the share of predicted boundary pixels that are nearer than the tolerance to a true
    one, recall that of true ones near a predicted one. A boundary pixel has a pixel of another
    class above, below or beside it; what borders on the picture's edge or on void is none. A class
    that has no boundary in either has no score (NaN); one that has it in one alone has 0.

    Csurka et al., What is a good evaluation measure for semantic segmentation? (BMVC 2013),
    section 2.

    Args:
        truth: (h w) numbers of classes; below 0 where void, which does not count.
        predicted: (h w) numbers of classes.
        classes: c.
        tolerance: as a share of the diagonal.
    """
    predicted = np.where(truth < 0, -1, predicted.astype(np.int64))
    reach = tolerance * float(np.hypot(*truth.shape))
    true_edges, said_edges = edges(truth), edges(predicted)
    found = np.full(classes, np.nan)
    for number in np.union1d(truth[true_edges], predicted[said_edges]):
        true, said = true_edges & (truth == number), said_edges & (predicted == number)
        precision, recall = _share_near(said, true, reach), _share_near(true, said, reach)
        found[number] = 2 * precision * recall / max(precision + recall, 1e-12)
    return found


def edges(classes: np.ndarray) -> np.ndarray:
    """Return (h w) bool, where a pixel has another class beside it; void (below 0) is no class."""
    across = (classes[:, 1:] != classes[:, :-1]) & (classes[:, 1:] >= 0) & (classes[:, :-1] >= 0)
    down = (classes[1:] != classes[:-1]) & (classes[1:] >= 0) & (classes[:-1] >= 0)
    found = np.zeros(classes.shape, bool)
    found[:, 1:] |= across
    found[:, :-1] |= across
    found[1:] |= down
    found[:-1] |= down
    return found


def _share_near(those: np.ndarray, others: np.ndarray, reach: float) -> float:
    """Return the share of the pixels of one mask that are nearer than `reach` to another's."""
    from scipy.ndimage import distance_transform_edt

    if not those.any() or not others.any():
        return 0.0
    # What is further from these than the reach cannot matter: most of a picture is not looked at.
    rows, columns = np.nonzero(those)
    margin = int(reach) + 1
    part = (
        slice(max(rows.min() - margin, 0), rows.max() + margin + 1),
        slice(max(columns.min() - margin, 0), columns.max() + margin + 1),
    )
    if not others[part].any():
        return 0.0
    distances = distance_transform_edt(~others[part])
    return float((distances[those[part]] < reach).mean())
