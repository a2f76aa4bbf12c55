"""One client per cluster: credentials, limits, and the network's errors turned into ours at this border."""
