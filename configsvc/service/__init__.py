"""Verbs: each makes its decision here and acts through ports."""
