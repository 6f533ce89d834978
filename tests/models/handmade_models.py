"""Small models of every kind, built in either Keras, with random weights and fitting inputs."""

import handmade_graphs as handmade_graphs
import handmade_keras3 as handmade_keras3
import handmade_layers as handmade_layers
from handmade_registry import MODELS, ONLY_KERAS3, inputs_for, randomize

__all__ = ["MODELS", "ONLY_KERAS3", "inputs_for", "randomize"]
