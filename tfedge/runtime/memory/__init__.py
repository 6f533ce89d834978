"""How much memory a file needs, on which devices it fits, and how it gets there."""
