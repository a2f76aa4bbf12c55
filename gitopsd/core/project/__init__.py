"""What a project permits: sources, destinations, kinds, and whose commits it trusts."""
