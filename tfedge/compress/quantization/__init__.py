"""Fewer bits: quantization-aware models whose ranges come from data."""
