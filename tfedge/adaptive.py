"""What `tfedge.AdaptiveRunner` takes: variants of a model, policies, and what policies see."""

from tfedge.runtime.adaptive.latency_target import LatencyTarget
from tfedge.runtime.adaptive.limits import BatteryLevel, CpuLoad, PowerBudget, Temperature
from tfedge.runtime.adaptive.log import AdaptiveLog, Decision
from tfedge.runtime.adaptive.policy import MostCautious, Policy, Stay
from tfedge.runtime.adaptive.signals import Signals
from tfedge.runtime.adaptive.variant import Variant

__all__ = [
    "AdaptiveLog",
    "BatteryLevel",
    "CpuLoad",
    "Decision",
    "LatencyTarget",
    "MostCautious",
    "Policy",
    "PowerBudget",
    "Signals",
    "Stay",
    "Temperature",
    "Variant",
]
