"""Accuracy that rounding took, brought back without labels."""
