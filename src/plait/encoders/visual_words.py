"""Visual words: SIFT descriptors of a picture, pooled over a vocabulary learned by k-means."""

from __future__ import annotations

import threading
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from plait.layers import Fitted

SAMPLED_DESCRIPTORS = 50_000
"""Descriptors that the vocabulary is learned from, at most: 25 MB."""

_local = threading.local()


def describe(grey: np.ndarray, most: int = 200) -> np.ndarray:
    """Return the SIFT descriptors of a picture's strongest key points.

    Follows Lowe (IJCV 2004) as OpenCV implements it. The contrast threshold is halved, because
    product photos and drawings have large even areas.

    Args:
        grey: (h w) uint8.
        most: key points kept.

    Returns:
        (k 128) uint8; k is 0 for a picture without structure.
    """
    if getattr(_local, "most", None) != most:
        create = cv2.SIFT_create  # type: ignore[attr-defined, unused-ignore]  # not in all stubs
        _local.sift, _local.most = create(nfeatures=most, contrastThreshold=0.02), most
    descriptors = _local.sift.detectAndCompute(grey, None)[1]
    if descriptors is None:
        return np.zeros((0, 128), np.uint8)
    return descriptors[:most].clip(0, 255).astype(np.uint8)


def root(descriptors: np.ndarray) -> np.ndarray:
    """Return RootSIFT: L1-normalised, square-rooted (Arandjelović and Zisserman, CVPR 2012)."""
    values = descriptors.astype(np.float32)
    return np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-6))


class VisualWords(Fitted):
    """A vocabulary of descriptors, and two ways to pool a picture over it.

    `words` counts the nearest word of each descriptor (Sivic and Zisserman, ICCV 2003); `vlad` sums
    the differences to it, square-rooted and normalised by word (Jégou et al., CVPR 2010;
    Arandjelović and Zisserman, CVPR 2013).
    """

    centres: Tensor

    def __init__(self, words: int, pooling: Literal["words", "vlad"]) -> None:
        super().__init__()
        self.words, self.pooling = words, pooling
        self.learn(centres=torch.zeros(0, 128))

    def fit(self, descriptors: np.ndarray, seed: int) -> None:
        """Learn the vocabulary from (k 128) uint8 descriptors."""
        from sklearn.cluster import MiniBatchKMeans
        from threadpoolctl import threadpool_limits

        if len(descriptors) < self.words:  # too few pictures with structure for any vocabulary
            self.learn(centres=torch.zeros(1, 128))
            return
        kmeans = MiniBatchKMeans(self.words, random_state=seed, n_init=1, batch_size=4096)
        with threadpool_limits(1):  # sums over threads would differ in the last bit between runs
            kmeans.fit(root(descriptors))
        self.learn(centres=torch.from_numpy(kmeans.cluster_centers_))

    def forward(self, descriptors: np.ndarray) -> Tensor:
        """Return (k) for `words`, (k * 128) for `vlad`, from one picture's (n 128) descriptors."""
        centres = self.centres
        values = torch.from_numpy(root(descriptors))
        nearest = (values @ centres.T - centres.square().sum(dim=1) / 2).argmax(dim=1)
        if self.pooling == "words":
            counts = torch.bincount(nearest, minlength=len(centres)).float()
            return (counts / counts.sum().clamp_min(1)).sqrt()
        picked = torch.nn.functional.one_hot(nearest, len(centres)).T.float()
        sums = picked @ values - picked.sum(dim=1, keepdim=True) * centres
        sums = sums.sign() * sums.abs().sqrt()
        sums = sums / sums.norm(dim=1, keepdim=True).clamp_min(1e-6)
        return (sums / sums.norm().clamp_min(1e-6)).flatten()
