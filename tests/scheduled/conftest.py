"""The agreement with the command line runs against a service on loopback."""

from tests.support.admin.loopback_fixtures import close_admins, namespace, service, shell

__all__ = ["close_admins", "namespace", "service", "shell"]
