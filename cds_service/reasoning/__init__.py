"""The kernel that all guidelines share: truth tables, comparisons, the decision graph and its walk. Pure."""
