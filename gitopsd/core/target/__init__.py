"""What Git asks of a cluster: apply form, tracking, hooks, options, order."""
