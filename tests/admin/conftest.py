"""The tests of the write side run against a service on loopback."""

from tests.support.admin.loopback_fixtures import close_admins, namespace, service

__all__ = ["close_admins", "namespace", "service"]
