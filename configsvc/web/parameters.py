"""The parameters of paths and queries."""

from __future__ import annotations

from configsvc.model import limits
from configsvc.web.description import Number, Parameter, Text

_REVISION = Number(1, 10**12 - 1)

PATH = {
    parameter.name: parameter
    for parameter in (
        Parameter("namespace", "The namespace.", Text("Namespace"), "payments.prod", required=True),
        Parameter("key", "The key.", Text("Key"), "db.url", required=True),
        Parameter("version", "A version of the key.", Number(1, 10**10 - 1), 3, required=True),
        Parameter(
            "kid", "The data key's id.", Text("Kid"), "qLJ4bYxQ0b3nY0u6J1v8m2a7Z5k9c4w1t0R3xE8dP2Q", required=True
        ),
    )
}

DEEP = Parameter("deep", "`true` also reads the table.", Text("Flag"), "true")

LIMIT = Parameter("limit", "Items of one page at most.", Number(1, limits.PAGE), 100)
CURSOR = Parameter("cursor", "The cursor of the page before, to go on after it.", Text("Cursor"), "ZGIudXJs")
PAGE = (LIMIT, CURSOR)
UPKEEP_CURSOR = CURSOR._replace(about="The cursor of the upkeep before, which was not done.")

NAMESPACE_PREFIX = Parameter(
    "prefix", "Only namespaces that begin so.", Text("NamespacePrefix", may_be_empty=True), "payments."
)
KEY_PREFIX = Parameter("prefix", "Only keys that begin so.", Text("KeyPrefix", may_be_empty=True), "db.")

VERSION = PATH["version"]._replace(about="That version, instead of the one that is served.", required=False)
REVISION = Parameter("revision", "Time travel: what readers got at that revision.", _REVISION, 41)
NAMESPACES = Parameter(
    "namespace", "A namespace; once for each that is wanted.", Text("Namespace"), "payments.prod",
    required=True, most=limits.SNAPSHOTS_NAMESPACES,
)  # fmt: skip

SINCE = Parameter("since", "Only what came after that revision.", Number(0, 10**12 - 1), 41)
OF_KEY = Parameter("key", "Only what was done to that key.", Text("Key"), "db.url")
BY_PRINCIPAL = Parameter(
    "principal", "Only what that principal did.", Text("Principal"), "arn:aws:iam::123456789012:role/Deploy"
)
AFTER_TIME = Parameter(
    "after_time", "Only what was done at that time or later, in UTC.", Text("Time"), "2027-01-15T08:00:00Z"
)
BEFORE_TIME = Parameter("before_time", "Only what was done before that time, in UTC.", Text("Time"), "2027-01-16")
ORDER = Parameter(
    "order", "`newest` begins with the newest record; left out, with the oldest.", Text("Order"), "newest"
)
LOG = (SINCE, BY_PRINCIPAL, AFTER_TIME, BEFORE_TIME, ORDER, *PAGE)

FROM = Parameter("from", "The revision to compare from.", _REVISION, 40)
TO = Parameter("to", "The revision to compare with; the one now, where it is left out.", _REVISION, 42)
AGAINST = Parameter("against", "Another namespace, to compare with.", Text("Namespace"), "payments.staging")

PRINCIPAL = Parameter("principal", "Whose grants.", Text("Principal"), "api-key:a1b2c3d4e5")
THAT_PRINCIPAL = PRINCIPAL._replace(required=True)
