"""What belongs together in a cluster: owners, traffic, and objects of no application."""
