"""Stages 4 and 6: writes to clusters, and asks them what a write would do."""
