"""Stage 1: Git says what should be."""
