"""What the CLI does without a daemon: render, health, repository checks."""
