"""The verbs, a file each; each holds one click command named `command`."""
