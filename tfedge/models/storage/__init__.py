"""What lies in model files, and how it comes back."""
