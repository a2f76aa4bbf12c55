"""Verbs: functions over the model; no await, no clock, no log, no environment."""
