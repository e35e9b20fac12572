"""Requests and answers by subject, as the routes are.

The only package of the service that needs pydantic. A module is loaded with the first write of its subject.
"""
