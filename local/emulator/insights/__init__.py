"""Logs Insights for the emulator: saved queries, and answers to them."""
