"""Metrics of anything that predicts, and how alike two models are."""

from tfedge.core.rooms import callable_room
from tfedge.evaluate.difference import OutputParity, sqnr_db
from tfedge.evaluate.evaluator import EvaluationRecord, evaluate
from tfedge.evaluate.layers import LayerParity, first_divergence, layer_outputs, layer_parity
from tfedge.evaluate.metrics import make_metric
from tfedge.evaluate.parity import ComparisonRecord, Side, compare

__all__ = [
    "ComparisonRecord",
    "EvaluationRecord",
    "LayerParity",
    "OutputParity",
    "Side",
    "compare",
    "evaluate",
    "first_divergence",
    "layer_outputs",
    "layer_parity",
    "make_metric",
    "sqnr_db",
]

callable_room(__name__, evaluate)
