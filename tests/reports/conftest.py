"""Runs the tests of public reports against a service on loopback."""

from tests.support.admin.loopback_fixtures import close_admins, namespace, service, shell

__all__ = ["close_admins", "namespace", "service", "shell"]
