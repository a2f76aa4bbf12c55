"""Text as people write it: globs, durations, schedules, names that were meant."""
