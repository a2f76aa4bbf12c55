"""Applications and projects as they are declared: in directories, in Git, by applications of applications."""
