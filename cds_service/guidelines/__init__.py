"""The guidelines this service knows, one package each."""
