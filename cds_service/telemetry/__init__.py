"""Logs, metrics and traces; never a value from a chart."""
