"""Fewer distinct weights: each kernel shares a few values, and training moves these."""
