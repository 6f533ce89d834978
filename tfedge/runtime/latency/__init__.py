"""How fast a file runs here, which of its operators take the time, and how near to the peak."""
