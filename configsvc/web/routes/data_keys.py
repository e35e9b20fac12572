"""Data keys: list the keyring; add, rewrap or retire a data key."""

from __future__ import annotations

from configsvc.model.errors import AlreadyExists, Conflict, TooLarge
from configsvc.model.names import Kid, Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_LIST = Description(
    "List the data keys of a namespace, newest first",
    "read",
    {200: "Keyring"},
    details=(
        "The data keys are wrapped. Includes how many values each has sealed, and how many served entries need it. "
        "Newest means added at the highest revision; `created_at` is only informational. If there are thousands of "
        "retired data keys, the oldest are omitted to keep the response below 3 MiB."
    ),
)
_ADD = Description(
    "Add a data key, wrapped by KMS on your side",
    "admin",
    {200: "DataKeyAdded", 201: "DataKeyAdded"},
    details="Adding the same data key again returns 200.",
    body="NewDataKey",
    idempotent=True,
    errors=(AlreadyExists, Conflict, TooLarge),
)
_REWRAP = Description(
    "Replace the wrapping of a data key",
    "admin",
    {200: "DataKeyState"},
    details=(
        "The same data key, rewrapped by KMS, also under another KMS key. The service cannot verify that it is the "
        "same, so the change log keeps the previous wrapping."
    ),
    body="Wrapping",
    idempotent=True,
    errors=(Conflict, TooLarge),
)
_RETIRE = Description(
    "Retire a data key: it can seal no further values",
    "admin",
    {200: "DataKeyState"},
    details="409 while served entries need it. This cannot be undone; add a new data key instead.",
    idempotent=True,
    errors=(Conflict,),
)


def declare(api: RestApi) -> None:
    """Declares the routes of data keys."""

    @api.read("/v1/namespaces/{namespace}/data-keys", _LIST)
    def list_data_keys(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.data_keys import list_data_keys

        return reply.answer_json(list_data_keys(api.ports(), request.caller, namespace))

    @api.signed("POST", "/v1/namespaces/{namespace}/data-keys", _ADD)
    def add_data_key(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.data_keys import add_data_key
        from configsvc.web.bodies.data_keys import parse_data_key

        wanted = parse_data_key(request.body())
        return reply.answer_outcome(add_data_key(api.ports(), request.caller, namespace, wanted, request.idempotency()))

    @api.signed("PUT", "/v1/namespaces/{namespace}/data-keys/{kid}", _REWRAP)
    def rewrap_data_key(request: Request, namespace: Namespace, kid: Kid) -> Reply:
        from configsvc.service.verbs.data_keys import rewrap_data_key
        from configsvc.web.bodies.data_keys import parse_wrapping

        wanted = parse_wrapping(kid, request.body())
        return reply.answer_outcome(
            rewrap_data_key(api.ports(), request.caller, namespace, wanted, request.idempotency())
        )

    @api.signed("POST", "/v1/namespaces/{namespace}/data-keys/{kid}/retire", _RETIRE)
    def retire_data_key(request: Request, namespace: Namespace, kid: Kid) -> Reply:
        from configsvc.service.verbs.data_keys import retire_data_key

        return reply.answer_outcome(retire_data_key(api.ports(), request.caller, namespace, kid, request.idempotency()))
