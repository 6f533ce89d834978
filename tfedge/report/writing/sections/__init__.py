"""The sections of a report, one file each: from the record to blocks."""
