"""How much channels matter."""
