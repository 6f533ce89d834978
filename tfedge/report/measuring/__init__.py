"""What a report says, measured by tfedge's own functions."""
