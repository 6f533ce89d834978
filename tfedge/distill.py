"""What a student can learn from a teacher: the losses for `tfedge.Distiller`."""

from tfedge.compress.distillation.attention import AttentionTransfer
from tfedge.compress.distillation.base import DistillationLoss
from tfedge.compress.distillation.contrastive import ContrastiveKD, TripletMargin
from tfedge.compress.distillation.decoupled import DecoupledKD
from tfedge.compress.distillation.dist import DIST
from tfedge.compress.distillation.features import FeatureLoss
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.regression import RegressionTarget
from tfedge.compress.distillation.relational import RelationalKD
from tfedge.compress.distillation.similarity import SimilarityPreserving
from tfedge.compress.distillation.soft import BinarySoftTarget, SoftTarget

__all__ = [
    "DIST",
    "AttentionTransfer",
    "BinarySoftTarget",
    "ContrastiveKD",
    "DecoupledKD",
    "DistillationLoss",
    "FeatureHint",
    "FeatureLoss",
    "RegressionTarget",
    "RelationalKD",
    "SimilarityPreserving",
    "SoftTarget",
    "TripletMargin",
]
