"""The ground floor: NumPy and the standard library only."""
