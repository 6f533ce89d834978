"""Ranges of activations, from data: a float file is run, every tensor observed, ranges written."""
