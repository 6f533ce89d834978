"""A model made anew, layer by layer, with other widths."""
