"""One run: lock, evidence, box, the order of its stages, its end and its record."""
