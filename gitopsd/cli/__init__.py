"""The command line: starts the daemon and the demo, and asks a running daemon over HTTP."""
