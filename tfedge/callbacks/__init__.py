"""What goes into a ``fit`` loop that exists already, Keras 3 or tf_keras."""

from tfedge.callbacks.channels import ChannelPruning
from tfedge.callbacks.edge_evaluation import EdgeEvaluation
from tfedge.callbacks.pruning import MagnitudePruning

__all__ = ["ChannelPruning", "EdgeEvaluation", "MagnitudePruning"]
