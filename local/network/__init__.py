"""Servers, listeners and ports on loopback."""
