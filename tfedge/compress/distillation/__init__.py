"""Fewer layers: a small model learns from a large one."""
