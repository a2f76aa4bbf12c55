"""The main job on embedded parts: simulated clusters, a sample fleet repository over HTTP, and a plain daemon."""
