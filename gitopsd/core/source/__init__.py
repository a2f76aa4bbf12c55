"""Where manifests come from: URLs, versions, references to other sources, webhooks, who looked where."""
