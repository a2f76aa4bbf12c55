"""Actions on objects of Kubernetes' own kinds."""
