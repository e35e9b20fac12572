"""The OpenAPI document and docs/API.md, made of the code."""
