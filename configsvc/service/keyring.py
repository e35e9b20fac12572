"""A data key that is in use, as writes of the keyring read it."""

from __future__ import annotations

from configsvc.model.errors import Conflict, NotFound
from configsvc.model.etag import of_revision
from configsvc.model.names import Kid, Namespace
from configsvc.service import records
from configsvc.service.found import Found, one
from configsvc.service.ports import LostRace, Outcome
from configsvc.service.records import Address, Head, StoredDataKey
from configsvc.service.writable import writable_addresses


def addresses(namespace: Namespace, kid: Kid) -> tuple[Address, ...]:
    """What is read to decide on a data key."""
    return (*writable_addresses(namespace), records.data_key(namespace, kid))


def stored(found: Found, namespace: Namespace, kid: Kid) -> StoredDataKey:
    """The data key, live or retired.

    Raises:
        NotFound: there is none of that kid.
    """
    known = one(found, records.data_key(namespace, kid), StoredDataKey)
    if known is None:
        raise NotFound("There is no such data key.", kid=kid)
    return known


def live(head: Head, known: StoredDataKey) -> StoredDataKey:
    """The data key, if it is live and HEAD knows it so.

    Raises:
        Conflict: it is retired.
        LostRace: HEAD and the data key are of different moments.
    """
    kid = known.data_key.kid
    if known.state == "retired":
        raise Conflict("The data key is retired. Add another and seal under that.", kid=kid)
    count = head.kids.get(kid)
    if count is None or count.revision != known.revision:
        raise LostRace([records.head(head.namespace), records.address_of(known)])
    return known


def answer(known: StoredDataKey) -> Outcome:
    """`{"namespace", "kid", "state", "revision"}` of a data key that was there, and the revision as ETag."""
    body = {
        "namespace": known.namespace, "kid": known.data_key.kid, "state": known.state, "revision": known.revision,
    }  # fmt: skip
    return Outcome(200, body, of_revision(known.revision))
