"""What makes a model smaller; the techniques know nothing of each other."""
