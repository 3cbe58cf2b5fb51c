"""From a patient's chart to the needs of the 2006 protocol; the only place of the guideline that sees the readers.

What silence means is decided here, input by input, and said: "searched, nothing found" is Unknown(not recorded),
"could not be searched" is Unknown(not retrieved), and neither is ever "no".
"""

from cds_service.guidelines.nelm_2006.intake.assemble import ChartReading, read, read_chart

__all__ = ["ChartReading", "read", "read_chart"]
