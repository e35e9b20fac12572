"""One refresh: fetch what is new, refuse what went backwards, open everything, and only then make it the one held."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from configsvc.model.errors import ConfigsvcError, Unavailable, WentBackwards
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._opening import Rules, open_layer
from configsvc_client._ports import Found, Gateway
from configsvc_client._snapshot import Layer, Snapshot

Source = Literal["service", "fallback"]
Result = TypeVar("Result")


class Held(Record):
    """What is held: one layer for each namespace in their order, the snapshot made of them, and where it came from."""

    layers: tuple[Layer, ...]
    snapshot: Snapshot
    source: Source = "service"


def refreshed(held: Held, gateway: Gateway, rules: Rules, deadline: float) -> Held:
    """What to hold from now on: the same object where nothing changed.

    A namespace of which a key is broken is fetched whole, so that it heals when KMS lets it; so is one that came from
    the fallback file, and its revision is no floor.

    Raises:
        WentBackwards: a namespace's revision is below the one held, or the least that is set.
        CannotOpen: an entry that did open, or is new, does not open; all of the old snapshot stays.
        ConfigsvcError: what the service answered, or Unavailable.
    """
    known = {layer.namespace: None if layer.broken else layer.etag or None for layer in held.layers}
    found = _check_answered(known, gateway.fetch(known, deadline))
    layers = tuple(_next(layer, found.get(layer.namespace), rules, deadline) for layer in held.layers)
    return held if all(map(operator.is_, layers, held.layers)) else Held(layers, Snapshot(layers))


def first(
    namespaces: tuple[Namespace, ...],
    gateway: Gateway,
    rules: Rules,
    deadline: float,
    meanwhile: Callable[[], None],
) -> Held:
    """What to hold when nothing was: keys that do not open are broken, the others serve.

    Raises:
        WentBackwards: a namespace's revision is below the least that is set.
        ConfigsvcError: what the service answered, or Unavailable.
    """
    known = dict.fromkeys(namespaces)
    found = _check_answered(known, gateway.fetch(known, deadline, meanwhile))
    return opened(namespaces, found, rules, deadline, "service")


def opened(
    namespaces: tuple[Namespace, ...], found: Mapping[Namespace, Found], rules: Rules, deadline: float, source: Source
) -> Held:
    """Everything in what was found, opened for the first time.

    Raises:
        WentBackwards: a namespace's revision is below the least that is set.
        Unavailable: it is of another namespace, or KMS did not answer.
    """
    layers = tuple(_opened(namespace, found[namespace], rules, deadline) for namespace in namespaces)
    return Held(layers, Snapshot(layers), source)


def ours(attempt: Callable[[], Result]) -> Result:
    """What an attempt gives. What it raises is an error of ours: those are told, counted and not tried again at once.

    Raises:
        ConfigsvcError: as it does.
        Unavailable: in place of anything else, which is told by its type and place: its text may show a value.
    """
    try:
        return attempt()
    except ConfigsvcError:
        raise
    except Exception as error:  # noqa: BLE001  # from credentials' sources, or a bug
        unforeseen = f"{type(error).__name__} in {_place(error)}"
    raise Unavailable(f"It ended with {unforeseen}, which nobody foresaw. Please report it.", reason="unforeseen")


def _place(error: Exception) -> str:
    traced, place = error.__traceback__, ""
    while traced is not None:
        place = f"{traced.tb_frame.f_code.co_filename}:{traced.tb_lineno}"
        traced = traced.tb_next
    return place


def _check_answered(
    known: Mapping[Namespace, str | None], found: Mapping[Namespace, Found | ConfigsvcError]
) -> dict[Namespace, Found]:
    checked = dict[Namespace, Found]()
    for namespace, each in found.items():
        if isinstance(each, ConfigsvcError):
            raise each
        checked[namespace] = each
    for namespace, etag in known.items():
        if etag is None and namespace not in found:
            raise Unavailable(f"The service did not answer with {namespace}, as it was asked to.", namespace=namespace)
    return checked


def _next(layer: Layer, found: Found | None, rules: Rules, deadline: float) -> Layer:
    if found is None:
        return layer
    if layer.etag and found.sealed.revision < layer.revision:
        raise WentBackwards(
            f"{layer.namespace} came at revision {found.sealed.revision}, and {layer.revision} is held.",
            namespace=layer.namespace,
        )
    opened = _opened(layer.namespace, found, rules, deadline)
    for key in opened.broken.keys() - layer.broken.keys():
        raise opened.broken[key]
    unchanged = opened.etag == layer.etag and opened.broken.keys() == layer.broken.keys()
    return layer if unchanged else opened


def _opened(namespace: Namespace, found: Found, rules: Rules, deadline: float) -> Layer:
    if found.sealed.namespace != namespace:
        raise Unavailable(f"The service did not answer with {namespace}, as it was asked to.", namespace=namespace)
    least = rules.floors.get(namespace, 0)
    if found.sealed.revision < least:
        raise WentBackwards(
            f"{namespace} came at revision {found.sealed.revision}, and CONFIGSVC_MIN_REVISION is {least}.",
            namespace=namespace,
        )
    return open_layer(namespace, found, rules, deadline)
