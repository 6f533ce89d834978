"""Charts as inline SVG: light, sharp at any size, in the colours of the page around them."""
