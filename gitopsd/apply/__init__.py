"""Stage 4: writes to clusters, and asks them what a write would do."""
