"""What runs a file beside the CPU: delegates, LiteRT's compiled models, and what fits them."""
