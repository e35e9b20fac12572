"""DynamoDB's client. botocore alone: boto3 on top would only cost a cold start more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from configsvc.adapters.aside import Aside
from configsvc.adapters.dynamo_http import CONNECT_SECONDS, POOLS, checked, left

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
    from mypy_boto3_dynamodb import DynamoDBClient

READ_SECONDS = 8.0
"""Never waited for: each exchange has a bound of its own."""

_RENEWAL_SECONDS = 1.0
_MANDATORY_SECONDS = 600
"""botocore waits for whoever renews credentials that expire within this time, and else signs with them."""
_DATA = Path(__file__).with_name("dynamo_data")


def connect() -> DynamoDBClient:
    """A client by the environment's region, credentials and endpoint, none of which is looked at before this call.

    It tries once: who calls it tries again, within one bound for all tries (configsvc.adapters.dynamo_calls). This call
    itself may take long, where a provider of credentials is asked.
    """
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import NoCredentialsError
    from botocore.loaders import Loader

    class OneService(Loader):
        """botocore's data, with what infra/dynamo_data.py cut out first. Listing 400 services takes 12 ms."""

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's signature
            return ["dynamodb"]

        def is_builtin_path(self, path: str) -> bool:  # noqa: ARG002  # botocore's signature
            """Whether its rules for endpoints hold. For data of others it builds the host in a way of its own."""
            return True

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
        account_id_endpoint_mode="disabled",  # one host, whatever the credentials say of the account
    )
    session = botocore.session.Session()
    session.register_component("data_loader", OneService(extra_search_paths=[str(_DATA)]))
    client: Any = session.create_client("dynamodb", config=config)
    client._endpoint.http_session._pool_classes_by_scheme.update(POOLS)  # noqa: SLF001  # it offers no other way
    client.meta.events.register("response-received.dynamodb", checked)
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError  # a client would keep that; there may be some next time
    if isinstance(credentials, RefreshableCredentials):
        renewal = Aside(credentials.get_frozen_credentials, kept=False)
        client.meta.events.register("before-sign.dynamodb", lambda **_: renewed(credentials, renewal))
    return cast("DynamoDBClient", client)


def renewed(credentials: RefreshableCredentials, renewal: Aside[ReadOnlyCredentials]) -> None:
    """Renew credentials that are about to expire, in what the exchange has left.

    botocore would do it while it signs, and wait for the provider as long as that takes. Lambda's are fixed. Those that
    are good for a while yet cost one call a part of its time, and not the ones after it while the renewal is under way.

    Args:
        credentials: what is signed with.
        renewal: renews them; the same for all calls, so that a silent provider holds one thread.

    Raises:
        TimeoutError: the provider does not answer, and botocore would wait for it.
    """
    if not credentials.refresh_needed():
        return
    good = not credentials.refresh_needed(_MANDATORY_SECONDS)
    if good and renewal.under_way():
        return
    try:
        renewal.result(min(left() / 2, _RENEWAL_SECONDS) if good else left())
    except TimeoutError:
        if not good:
            raise
