"""Stage 2: Git says what should be."""
