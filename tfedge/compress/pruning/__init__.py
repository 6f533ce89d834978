"""Fewer weights: magnitude pruning while training."""
