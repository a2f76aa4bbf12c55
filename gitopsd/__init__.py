"""gitopsd: Git says what should be, the clusters say what is; one daemon brings live to target."""

__version__ = "0.1.0"
