"""Parsed objects: managed fields, the way to a field, hashes, masks."""
