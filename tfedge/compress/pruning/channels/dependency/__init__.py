"""Which channels belong together: one walk over the layer graph, a rule for each layer."""
