"""Registries: what a tag is, and the bytes of an artifact, by the OCI distribution specification."""
