"""Metrics of anything that predicts, and how alike two models are."""

from tfedge.core.rooms import callable_room
from tfedge.evaluate.evaluator import EvaluationRecord, evaluate

__all__ = ["EvaluationRecord", "evaluate"]

callable_room(__name__, evaluate)
