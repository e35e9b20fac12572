"""The OpenAPI document and docs/API.md, generated from the code."""
