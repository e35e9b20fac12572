"""Compares what linters find in the templates with the findings that are accepted, each for a reason."""
