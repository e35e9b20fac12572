"""Request and response bodies by subject, like the routes.

The only package of the service that needs pydantic. Each module is loaded by the first write of its subject.
"""
