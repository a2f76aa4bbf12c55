"""Stage 3: what the clusters say. One mirror a cluster, one list-watch a kind, and a failure stays in its kind."""
