"""Validation samples that are in the training data too."""

from __future__ import annotations

from tfedge.pipeline.held_out import warn_of_leaks
from tfedge.pipeline.samples import Samples

_LOOKED_AT = 4096


def count_leaks(train: Samples, val: Samples) -> int:
    """Return how many samples of ``val`` are in ``train``, to the bit; warn of them.

    Of data that are no arrays the first 4,096 samples are looked at.

    Warns:
        UserWarning: If there are any.
    """
    parts = [one.whole or one.first(_LOOKED_AT) for one in (train, val)]
    return warn_of_leaks(*parts)
