"""What a student can learn from a teacher: the losses for `tfedge.Distiller`."""

from tfedge.compress.distillation.base import DistillationLoss
from tfedge.compress.distillation.features import FeatureLoss
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.regression import RegressionTarget
from tfedge.compress.distillation.soft import BinarySoftTarget, SoftTarget

__all__ = [
    "BinarySoftTarget",
    "DistillationLoss",
    "FeatureHint",
    "FeatureLoss",
    "RegressionTarget",
    "SoftTarget",
]
