"""Every kind of step by name."""

from __future__ import annotations

from tfedge.pipeline.steps.channels import PRUNE_CHANNELS, STUDENT
from tfedge.pipeline.steps.clusters import CLUSTER
from tfedge.pipeline.steps.conversion import CONVERT
from tfedge.pipeline.steps.integers import QUANTIZE, RECOVER
from tfedge.pipeline.steps.kind import Kind
from tfedge.pipeline.steps.teaching import DISTILL, TRAIN
from tfedge.pipeline.steps.zeros import PRUNE

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        PRUNE_CHANNELS,
        STUDENT,
        TRAIN,
        DISTILL,
        PRUNE,
        CLUSTER,
        QUANTIZE,
        RECOVER,
        CONVERT,
    )
}
