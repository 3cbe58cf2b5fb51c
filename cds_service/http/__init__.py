"""The HTTP shell: routes, the wire's shapes, limits, and the one mapping from errors to HTTP."""
