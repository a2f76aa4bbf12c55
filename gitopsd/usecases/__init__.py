"""What may be asked of the daemon, each verb once: who asks, may they, do, say. REST, gRPC and streams translate."""
