"""Whose the fields of a live object are: taken over, taken away, in the way."""
