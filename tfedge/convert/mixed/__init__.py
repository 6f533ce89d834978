"""Which layers suffer from integers, and files in which only the others have them."""
