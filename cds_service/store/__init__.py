"""What was shown and what became of it: the append-only store."""
