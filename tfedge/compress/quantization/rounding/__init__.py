"""Whether each weight is rounded up or down, learned from inputs alone."""
