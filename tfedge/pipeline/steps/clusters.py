"""Few values: ``cluster``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kind import Kind
from tfedge.pipeline.steps.training import LABELS, check_training, train


def share_values(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model with kernels of few values, trained."""
    from tfedge.compress.clustering.sharing import cluster

    asked = CLUSTER.for_function(settings)
    if "prune" in context.before:
        asked.setdefault("preserve", ["sparsity"])
    return train(cluster(model, **asked), context, settings)


def _check(settings: dict[str, Any]) -> None:
    """Raise for wrong settings."""
    from tfedge.compress.clustering.centroids import INITS

    check_training(settings)
    clusters, preserve = settings.get("clusters", 16), settings.get("preserve")
    whole_number("clusters", clusters, least=2)
    one_of("init", settings.get("init", "kmeans++"), list(INITS))
    for name in [preserve] if isinstance(preserve, str) else preserve or ():
        one_of("preserve", name, ["sparsity"])
    if preserve and clusters < 3:
        raise ArgumentError(f"clusters={clusters!r}: with zeros kept, 3 are needed at least.")


CLUSTER = Kind(
    "cluster",
    ("tfedge.compress.clustering.sharing:cluster",),
    share_values,
    own={**LABELS, "epochs": 2},
    check=_check,
)
