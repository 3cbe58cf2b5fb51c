"""nelm-cds: a CDS Hooks service for neuroendocrine liver metastases, after the 2006 Utrecht protocol."""

__version__ = "0.1.0"
