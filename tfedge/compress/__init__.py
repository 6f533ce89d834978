"""The techniques: pruning, clustering, quantization, distillation; ``tfedge.compress(...)``."""

from tfedge.core.rooms import callable_room

callable_room(__name__, "tfedge.pipeline.compress:compress")
