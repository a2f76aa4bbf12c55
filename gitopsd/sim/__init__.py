"""A simulated cluster: speaks the Kubernetes API over HTTPS, keeps everything in memory, runs no container."""
