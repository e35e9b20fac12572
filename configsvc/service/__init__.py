"""Verbs: each decides here and does through ports."""
