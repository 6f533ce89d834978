"""Several files of one model, and the choice among them while requests come in."""
