"""Logging and metrics, set up by the daemon alone."""
