"""Logs, metrics and traces; never a value from a chart."""

from cds_service.telemetry.calls import CallReport, Telemetry, hook_instance
from cds_service.telemetry.traces import Tracing

__all__ = ["CallReport", "Telemetry", "Tracing", "hook_instance"]
