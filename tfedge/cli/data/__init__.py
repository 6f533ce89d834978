"""Data of the command line: a word becomes what tfedge's functions take."""
