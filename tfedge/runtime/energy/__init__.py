"""Energy of an inference: measured where the machine has a meter, else estimated."""
