"""A model, rebuilt from the layers that an int8 file holds."""
