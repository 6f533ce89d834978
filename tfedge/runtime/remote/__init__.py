"""Files on another machine: over ssh, without installing anything there."""
