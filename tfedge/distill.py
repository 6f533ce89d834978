"""What a student can learn from a teacher: the losses for `tfedge.Distiller`."""

from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.losses import SoftTarget

__all__ = ["FeatureHint", "SoftTarget"]
