"""Units that the same fleets use of AppConfig, Parameter Store and Secrets Manager, with as few calls as possible."""

from __future__ import annotations

from decimal import Decimal

from infra.costs.model import Assumptions, Fleet
from infra.costs.prices import Use

PAGE = 10
"""Parameters that GetParametersByPath answers at most."""

STANDARD_CALLS, HIGHER_CALLS = 40, 100
"""Calls of GetParametersByPath a second that Parameter Store takes of the whole account and region, without and with
higher throughput (Systems Manager user guide, "Managing Parameter Store throughput")."""

AGENT_SECONDS, EXTENSION_SECONDS = 45, 300
"""How long AWS's own readers wait by default: the AppConfig Agent, and the Parameters and Secrets extension."""


def _refreshes(of: Fleet, assumed: Assumptions, namespaces: int, seconds: int) -> Decimal:
    """How often a namespace is read: by each warm environment at its interval, and by each cold start."""
    return Decimal(namespaces) * (Decimal(of.warm * assumed.seconds) / seconds + of.cold_starts)


def appconfig(of: Fleet, assumed: Assumptions, namespaces: int, seconds: int) -> Use:
    """A configuration profile for each namespace. A cold start also starts a session. Unchanged means not received."""
    received = of.warm * of.changes * assumed.days + of.cold_starts * namespaces
    sessions = of.cold_starts * namespaces
    requests = _refreshes(of, assumed, namespaces, seconds) + sessions
    return {"appconfig_requests": requests, "appconfig_received": Decimal(received)}


def parameter_calls(of: Fleet, assumed: Assumptions, namespaces: int, seconds: int) -> Decimal:
    """Calls a month: pages of a path for each namespace."""
    return _refreshes(of, assumed, namespaces, seconds) * -(-assumed.keys // PAGE)


def parameter_store(of: Fleet, assumed: Assumptions, namespaces: int, seconds: int, *, standard: bool) -> Use:
    """A standard parameter for each key. Each SecureString that is read costs a Decrypt of KMS.

    An API interaction is a parameter that a call returns, not the call.
    """
    refreshes = _refreshes(of, assumed, namespaces, seconds)
    returned = {} if standard else {"ssm_interactions": refreshes * assumed.keys}
    return {**returned, "kms_requests": refreshes * assumed.secrets}


def secrets_manager(of: Fleet, assumed: Assumptions, namespaces: int, seconds: int) -> Use:
    """One secret for each namespace, with all its keys in one JSON, under the AWS managed key, which costs nothing."""
    return {"secrets": Decimal(namespaces), "secret_calls": _refreshes(of, assumed, namespaces, seconds)}
