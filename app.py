"""The entry point for Chalice."""

from configsvc.bootstrap import app

__all__ = ["app"]
