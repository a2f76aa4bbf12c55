"""Stage 2: a Git tree becomes desired manifests, by closure from the cache or by a worker."""
