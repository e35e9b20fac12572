"""Costs of a stage a month: one dated price list, a model of what is used, and the tables of docs/OPERATIONS.md."""
