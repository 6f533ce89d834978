"""What the steps of a recipe do: one file for each kind, and a table of them."""
