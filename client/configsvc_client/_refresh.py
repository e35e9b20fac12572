"""One refresh: fetch what is new, refuse what went backwards, open everything, and only then make it the one held."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple

from configsvc.model.errors import Unavailable, WentBackwards
from configsvc.model.names import Namespace
from configsvc_client._keyring import Keyring
from configsvc_client._opening import open_layer
from configsvc_client._ports import Found, Gateway
from configsvc_client._snapshot import Layer, Snapshot


class Held(NamedTuple):
    """What is held: one layer for each namespace in their order, and the snapshot made of them."""

    layers: tuple[Layer, ...]
    snapshot: Snapshot


def refreshed(held: Held, gateway: Gateway, keyring: Keyring, deadline: float) -> Held:
    """What to hold from now on: the same object where nothing changed.

    A namespace of which a key is broken is fetched whole, so that it heals when KMS lets it.

    Raises:
        WentBackwards: a namespace's revision is below the one held.
        CannotOpen: an entry that did open, or is new, does not open; all of the old snapshot stays.
        ConfigsvcError: what the service answered, or Unavailable.
    """
    known = {layer.namespace: None if layer.broken else layer.etag for layer in held.layers}
    found = gateway.fetch(known, deadline)
    if not found:
        return held
    layers = tuple(_next(layer, found.get(layer.namespace), keyring, deadline) for layer in held.layers)
    return held if all(map(operator.is_, layers, held.layers)) else Held(layers, Snapshot(layers))


def first(
    namespaces: tuple[Namespace, ...],
    gateway: Gateway,
    keyring: Keyring,
    deadline: float,
    meanwhile: Callable[[], None],
) -> Held:
    """What to hold when nothing was: keys that do not open are broken, the others serve.

    Raises:
        ConfigsvcError: what the service answered, or Unavailable.
    """
    found = gateway.fetch(dict.fromkeys(namespaces), deadline, meanwhile)
    layers = tuple(_opened(namespace, found.get(namespace), keyring, deadline) for namespace in namespaces)
    return Held(layers, Snapshot(layers))


def _next(layer: Layer, found: Found | None, keyring: Keyring, deadline: float) -> Layer:
    if found is None:
        return layer
    if found.sealed.revision < layer.revision:
        raise WentBackwards(
            f"{layer.namespace} came at revision {found.sealed.revision}, and {layer.revision} is held.",
            namespace=layer.namespace,
        )
    opened = _opened(layer.namespace, found, keyring, deadline)
    for key in opened.broken.keys() - layer.broken.keys():
        raise opened.broken[key]
    unchanged = opened.etag == layer.etag and opened.broken.keys() == layer.broken.keys()
    return layer if unchanged else opened


def _opened(namespace: Namespace, found: Found | None, keyring: Keyring, deadline: float) -> Layer:
    if found is None or found.sealed.namespace != namespace:
        raise Unavailable(f"The service did not answer with {namespace}, as it was asked to.", namespace=namespace)
    return open_layer(namespace, found, keyring, deadline)
