"""The device side: ``.tflite`` files, the interpreters that run them, and what they cost."""

from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.interpreter import RUNTIMES, available_runtimes, choose_runtime
from tfedge.runtime.memory.arena import ArenaPlan, plan_arena
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner

__all__ = [
    "RUNTIMES",
    "ArenaPlan",
    "OperatorInfo",
    "Runner",
    "TFLiteModel",
    "TensorInfo",
    "available_runtimes",
    "choose_runtime",
    "plan_arena",
]
