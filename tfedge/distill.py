"""What a student can learn from a teacher, and who can teach: what `tfedge.Distiller` takes."""

from tfedge.compress.distillation.assistants import through_assistants
from tfedge.compress.distillation.attention import AttentionTransfer
from tfedge.compress.distillation.base import DistillationLoss
from tfedge.compress.distillation.contrastive import ContrastiveKD, TripletMargin
from tfedge.compress.distillation.decoupled import DecoupledKD
from tfedge.compress.distillation.dist import DIST
from tfedge.compress.distillation.features import FeatureLoss
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.moving_average import MovingAverage
from tfedge.compress.distillation.mutual import MutualLearning
from tfedge.compress.distillation.regression import RegressionTarget
from tfedge.compress.distillation.relational import RelationalKD
from tfedge.compress.distillation.report import DistillationReport, report
from tfedge.compress.distillation.similarity import SimilarityPreserving
from tfedge.compress.distillation.soft import BinarySoftTarget, SoftTarget

__all__ = [
    "DIST",
    "AttentionTransfer",
    "BinarySoftTarget",
    "ContrastiveKD",
    "DecoupledKD",
    "DistillationLoss",
    "DistillationReport",
    "FeatureHint",
    "FeatureLoss",
    "MovingAverage",
    "MutualLearning",
    "RegressionTarget",
    "RelationalKD",
    "SimilarityPreserving",
    "SoftTarget",
    "TripletMargin",
    "report",
    "through_assistants",
]
