"""How values are read: from a handler, in a walk, as environment variables, masked in logs."""
