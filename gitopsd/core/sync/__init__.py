"""What a sync does: is it due, plan, preflight, steps, readiness, prune, windows, retry."""
