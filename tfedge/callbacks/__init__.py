"""What goes into a ``fit`` loop that exists already, Keras 3 or tf_keras."""

from tfedge.callbacks.batch_size import AdaptiveBatchSize
from tfedge.callbacks.channels import ChannelPruning
from tfedge.callbacks.distillation import Distillation
from tfedge.callbacks.edge_evaluation import EdgeEvaluation
from tfedge.callbacks.pruning import MagnitudePruning
from tfedge.callbacks.shrinkage import ChannelShrinkage, GrowingRegularization

__all__ = [
    "AdaptiveBatchSize",
    "ChannelPruning",
    "ChannelShrinkage",
    "Distillation",
    "EdgeEvaluation",
    "GrowingRegularization",
    "MagnitudePruning",
]
