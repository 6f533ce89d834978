"""The search for the best file: what is worth a trial, which comes next, and who runs it."""
