"""tfedge: from a trained Keras model to a small, checked ``.tflite`` file.

Names are loaded when first touched (PEP 562): ``import tfedge`` is light, and on a device
without TensorFlow the run-time half (``tfedge.runtime``, ``tfedge.evaluate``) works alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfedge._version import __version__ as __version__
from tfedge.core.openers import SAVED_MODEL, open_path, register_opener
from tfedge.core.rooms import enter

if TYPE_CHECKING:
    from tfedge import adaptive as adaptive
    from tfedge import callbacks as callbacks
    from tfedge import compress as compress
    from tfedge import convert as convert
    from tfedge import devices as devices
    from tfedge import distill as distill
    from tfedge import errors as errors
    from tfedge import evaluate as evaluate
    from tfedge import models as models
    from tfedge import report as report
    from tfedge import runtime as runtime
    from tfedge import zoo as zoo
    from tfedge.compress.clustering.report import unique_weights as unique_weights
    from tfedge.compress.clustering.sharing import cluster as cluster
    from tfedge.compress.distillation.distiller import Distiller as Distiller
    from tfedge.compress.pruning.channels.dead import remove_dead_channels as remove_dead_channels
    from tfedge.compress.pruning.channels.importance.score import (
        ChannelImportance as ChannelImportance,
    )
    from tfedge.compress.pruning.channels.prune import prune_channels as prune_channels
    from tfedge.compress.pruning.channels.report import channel_report as channel_report
    from tfedge.compress.pruning.channels.steps import channel_steps as channel_steps
    from tfedge.compress.pruning.channels.student import student as student
    from tfedge.compress.pruning.magnitude import prune as prune
    from tfedge.compress.pruning.regularizers.settling import settle_gates as settle_gates
    from tfedge.compress.pruning.report import sparsity as sparsity
    from tfedge.compress.quantization.aware import quantize as quantize
    from tfedge.compress.quantization.recovery.recover import recover as recover
    from tfedge.compress.quantization.rounding.learn import learn_rounding as learn_rounding
    from tfedge.compress.quantization.settings import QuantizeSettings as QuantizeSettings
    from tfedge.convert.meters import FileLatency as FileLatency
    from tfedge.convert.meters import FileSize as FileSize
    from tfedge.convert.mixed.sensitivity import sensitivity as sensitivity
    from tfedge.convert.mixed.settings import MixedPrecision as MixedPrecision
    from tfedge.core.record_files import load_record as load_record
    from tfedge.core.record_files import save_record as save_record
    from tfedge.evaluate.parity import compare as compare
    from tfedge.models.strip import strip as strip
    from tfedge.models.training.lottery import LotteryTicket as LotteryTicket
    from tfedge.models.training.ramps import CosineSparsity as CosineSparsity
    from tfedge.models.training.ramps import OneShot as OneShot
    from tfedge.models.training.schedules import ConstantSparsity as ConstantSparsity
    from tfedge.models.training.schedules import PolynomialDecay as PolynomialDecay
    from tfedge.pipeline.advise import advise as advise
    from tfedge.pipeline.budget import Budget as Budget
    from tfedge.pipeline.recipe import Recipe as Recipe
    from tfedge.pipeline.recipe import Step as Step
    from tfedge.pipeline.result import CompressionResult as CompressionResult
    from tfedge.pipeline.run import run as run
    from tfedge.pipeline.run_result import RunResult as RunResult
    from tfedge.runtime.accelerators.check import check as check
    from tfedge.runtime.adaptive.runner import AdaptiveRunner as AdaptiveRunner
    from tfedge.runtime.energy.energy import energy as energy
    from tfedge.runtime.energy.meters import Meter as Meter
    from tfedge.runtime.interpreter import available_runtimes as available_runtimes
    from tfedge.runtime.latency.benchmark import benchmark as benchmark
    from tfedge.runtime.latency.compare import compare_latency as compare_latency
    from tfedge.runtime.latency.profile import profile as profile
    from tfedge.runtime.latency.roofline import roofline as roofline
    from tfedge.runtime.memory.fits import fits as fits
    from tfedge.runtime.memory.memory import memory as memory
    from tfedge.runtime.model import TFLiteModel as TFLiteModel
    from tfedge.runtime.remote.device import RemoteDevice as RemoteDevice
    from tfedge.runtime.runner import Runner as Runner

_MODULES = (
    "adaptive",
    "callbacks",
    "compress",
    "convert",
    "core",
    "devices",
    "distill",
    "errors",
    "evaluate",
    "models",
    "report",
    "runtime",
    "zoo",
)

_NAMES = {
    "AdaptiveRunner": "tfedge.runtime.adaptive.runner",
    "Budget": "tfedge.pipeline.budget",
    "ChannelImportance": "tfedge.compress.pruning.channels.importance.score",
    "CompressionResult": "tfedge.pipeline.result",
    "ConstantSparsity": "tfedge.models.training.schedules",
    "CosineSparsity": "tfedge.models.training.ramps",
    "Distiller": "tfedge.compress.distillation.distiller",
    "FileLatency": "tfedge.convert.meters",
    "FileSize": "tfedge.convert.meters",
    "LotteryTicket": "tfedge.models.training.lottery",
    "Meter": "tfedge.runtime.energy.meters",
    "MixedPrecision": "tfedge.convert.mixed.settings",
    "OneShot": "tfedge.models.training.ramps",
    "PolynomialDecay": "tfedge.models.training.schedules",
    "QuantizeSettings": "tfedge.compress.quantization.settings",
    "Recipe": "tfedge.pipeline.recipe",
    "RemoteDevice": "tfedge.runtime.remote.device",
    "RunResult": "tfedge.pipeline.run_result",
    "Runner": "tfedge.runtime.runner",
    "Step": "tfedge.pipeline.recipe",
    "TFLiteModel": "tfedge.runtime.model",
    "advise": "tfedge.pipeline.advise",
    "available_runtimes": "tfedge.runtime.interpreter",
    "benchmark": "tfedge.runtime.latency.benchmark",
    "channel_report": "tfedge.compress.pruning.channels.report",
    "channel_steps": "tfedge.compress.pruning.channels.steps",
    "check": "tfedge.runtime.accelerators.check",
    "cluster": "tfedge.compress.clustering.sharing",
    "compare": "tfedge.evaluate.parity",
    "compare_latency": "tfedge.runtime.latency.compare",
    "energy": "tfedge.runtime.energy.energy",
    "fits": "tfedge.runtime.memory.fits",
    "learn_rounding": "tfedge.compress.quantization.rounding.learn",
    "load_record": "tfedge.core.record_files",
    "memory": "tfedge.runtime.memory.memory",
    "profile": "tfedge.runtime.latency.profile",
    "prune": "tfedge.compress.pruning.magnitude",
    "prune_channels": "tfedge.compress.pruning.channels.prune",
    "quantize": "tfedge.compress.quantization.aware",
    "recover": "tfedge.compress.quantization.recovery.recover",
    "remove_dead_channels": "tfedge.compress.pruning.channels.dead",
    "run": "tfedge.pipeline.run",
    "save_record": "tfedge.core.record_files",
    "roofline": "tfedge.runtime.latency.roofline",
    "sensitivity": "tfedge.convert.mixed.sensitivity",
    "settle_gates": "tfedge.compress.pruning.regularizers.settling",
    "sparsity": "tfedge.compress.pruning.report",
    "strip": "tfedge.models.strip",
    "student": "tfedge.compress.pruning.channels.student",
    "unique_weights": "tfedge.compress.clustering.report",
}

for _kind in (".keras", ".h5", ".hdf5", SAVED_MODEL):
    register_opener(_kind, "tfedge.models.files:load_model")
register_opener(".tflite", "tfedge.runtime.model:TFLiteModel.load")

load = open_path


def __getattr__(name: str) -> Any:
    """Import a public name when it is first touched."""
    if name in _MODULES:
        return enter(f"tfedge.{name}")
    if name in _NAMES:
        value = enter(f"{_NAMES[name]}:{name}")
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tfedge' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*_MODULES, *_NAMES, "__version__", "load"})
