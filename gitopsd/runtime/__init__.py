"""The asyncio kit; knows nothing of GitOps."""
