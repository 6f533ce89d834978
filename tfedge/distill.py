"""What a student can learn from a teacher: the losses for `tfedge.Distiller`."""

from tfedge.compress.distillation.losses import SoftTarget

__all__ = ["SoftTarget"]
