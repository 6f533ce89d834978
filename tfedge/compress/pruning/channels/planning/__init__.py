"""Which channels go, so that a target is reached."""
