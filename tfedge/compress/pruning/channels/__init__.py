"""Whole channels go: which belong together, how much they matter, and the model without them."""
