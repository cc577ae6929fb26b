"""Losses of pairs: two views of a row belong together, those of different rows do not.

Plain functions of (b b) scores, whose diagonal holds the pairs. `alike` (b b) marks rows that are
no negatives of one another, as two captions of one photo are; its diagonal does not matter.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cosines(left: Tensor, right: Tensor) -> Tensor:
    """Return (b k), the cosine of each of (b d) vectors with each of (k d)."""
    return functional.normalize(left, dim=-1) @ functional.normalize(right, dim=-1).T


def late_cosines(left: Tensor, left_mask: Tensor, right: Tensor, right_mask: Tensor) -> Tensor:
    """Return (b k): of each token of the left the cosine with the nearest of the right, averaged.

    Token-wise late interaction (Yao et al., FILIP, ICLR 2022, equation 4); it is not symmetric.

    Args:
        left: (b t d) tokens.
        left_mask: (b t), True where the token is real.
        right: (k s d) tokens; s need not be t.
        right_mask: (k s).
    """
    left, right = functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)
    each = torch.einsum("btd,ksd->bkts", left, right)
    lowest = torch.finfo(each.dtype).min
    nearest = each.masked_fill(~right_mask[None, :, None, :], lowest).amax(dim=3)
    weight = left_mask[:, None, :].to(each.dtype)
    return (nearest * weight).sum(dim=2) / weight.sum(dim=2).clamp_min(1)


def info_nce(scores: Tensor, alike: Tensor, hardness: float = 0.0) -> Tensor:
    """Return (b) -log exp(s_ii) / (exp(s_ii) + sum over negatives j of w_ij exp(s_ij)).

    InfoNCE (van den Oord et al., 2018, equation 4), from rows to columns; CLIP takes the mean of
    both directions. w_ij is proportional to exp(hardness s_ij) with a mean of 1, so the nearer of
    the negatives count for more (Robinson et al., ICLR 2021, section 4; without its correction
    for positives among the negatives, which `alike` names).

    Args:
        scores: (b b) cosines over the temperature.
        alike: (b b) bool.
        hardness: beta; at 0 all negatives weigh 1.
    """
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    none, lowest = alike | own, torch.finfo(scores.dtype).min
    negatives = scores.masked_fill(none, lowest)
    if hardness:
        shares = (hardness * scores.detach()).masked_fill(none, lowest).log_softmax(dim=1)
        negatives = negatives + shares + (~none).sum(dim=1, keepdim=True).clamp_min(1).log()
    pairs = scores.diagonal()
    return torch.cat([pairs[:, None], negatives], dim=1).logsumexp(dim=1) - pairs


def log_expected(log_share: Tensor, drawn: Tensor) -> Tensor:
    """Return (b b) log of how often each column is expected among a row's negatives; 0 for its own.

        log(b_i q_j), of b_i rows that are drawn by how often their values are there: q

    What comes often is a negative too often and ends too low. Taken from the scores of InfoNCE, its
    sum is in the mean that over all values (logQ: Yi et al., RecSys 2019). A row's own value is not
    drawn, and so not corrected (Khrylchenko et al., RecSys 2025; without their weights of rows).

    Args:
        log_share: (b) log q of the value of each column.
        drawn: (b b), where a row's negatives are drawn from; values like its own among them.
    """
    count = drawn.sum(dim=1, keepdim=True).clamp_min(1)
    expected = log_share + count.to(log_share.dtype).log()
    return expected.masked_fill(torch.eye(len(drawn), dtype=torch.bool, device=drawn.device), 0)


def sigmoid_pairs(scores: Tensor, alike: Tensor) -> Tensor:
    """Return (b) -sum over j of log sigmoid(z_ij s_ij), z = 1 for the pair and -1 for negatives.

    SigLIP (Zhai et al., ICCV 2023, equation 1); its mean over rows is the paper's loss.

    Args:
        scores: (b b) cosines times a scale, and a bias added.
        alike: (b b) bool.
    """
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    sign = torch.where(own, 1.0, -1.0).to(scores.dtype)
    kept = (own | ~alike).to(scores.dtype)
    return -(functional.logsigmoid(sign * scores) * kept).sum(dim=1)
