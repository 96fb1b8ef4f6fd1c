"""Readers of the formats in which annotated pictures come, one module each."""
