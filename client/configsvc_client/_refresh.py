"""One refresh: fetch what is new, refuse what may not follow what is held, open all of it, and only then hold it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeVar

from configsvc.model.errors import ConfigsvcError, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._follows import Seen, check_begins, check_follows
from configsvc_client._hidden import without_frames
from configsvc_client._opening import Rules, open_layer
from configsvc_client._ports import Found, Gateway
from configsvc_client._snapshot import Layer, Snapshot

if TYPE_CHECKING:
    from configsvc_client._refusals import Refused

Source = Literal["service", "fallback"]
Result = TypeVar("Result")


class Held(Record):
    """What is held: one layer for each namespace in their order, the snapshot made of them, and where it came from."""

    layers: tuple[Layer, ...]
    snapshot: Snapshot
    source: Source = "service"


class Refreshed(Record):
    """What to hold from now on, and whose answers were refused: of those what was held is held on."""

    held: Held
    refused: dict[Namespace, Refused]


def refreshed(
    held: Held, gateway: Gateway, rules: Rules, deadline: float, waiting: Mapping[Namespace, Refused]
) -> Refreshed:
    """What to hold from now on: the same object where nothing changed.

    Each namespace is taken whole or not at all, and one that is refused stops no other. It keeps its ETag, so it is
    asked for again. A namespace of which a key is broken is opened again each time, so that it heals when KMS lets it;
    it is not fetched for that: whoever breaks a key would have all readers fetch everything with each poll. A namespace
    that came from the fallback file is fetched whole, and its revision is no floor.

    Args:
        held: what is held.
        gateway: the service.
        rules: how to open.
        deadline: monotonic seconds.
        waiting: what was refused, and is not opened again if it comes again.

    Raises:
        ConfigsvcError: what the service answered to all of it, or Unavailable.
    """
    known = {layer.namespace: layer.etag or None for layer in held.layers}
    found = gateway.fetch(known, deadline)
    if not found and all(layer.etag and not layer.reopen for layer in held.layers):
        return Refreshed(held, {})  # nearly every poll
    from configsvc_client._refusals import Refused

    # The fewest KMS calls first: whoever writes one namespace must not use up the time that another needs.
    cheapest = sorted(held.layers, key=lambda layer: _calls(found.get(layer.namespace), rules))
    results = {layer.namespace: _result(layer, known, found, rules, deadline, waiting) for layer in cheapest}
    refused = {namespace: result for namespace, result in results.items() if isinstance(result, Refused)}
    layers = tuple(
        layer if isinstance(result, Refused) else result
        for layer, result in ((layer, results[layer.namespace]) for layer in held.layers)
    )
    if all(map(operator.is_, layers, held.layers)):
        return Refreshed(held, refused)
    source: Source = "service" if all(layer.etag for layer in layers) else held.source
    return Refreshed(Held(layers, Snapshot(layers), source), refused)


def fetched(
    namespaces: tuple[Namespace, ...], gateway: Gateway, deadline: float, meanwhile: Callable[[], None]
) -> dict[Namespace, Found]:
    """What the service has of each namespace, when nothing is held.

    Raises:
        ConfigsvcError: what the service answered, or Unavailable.
    """
    known = dict.fromkeys(namespaces)
    return _check_answered(known, gateway.fetch(known, deadline, meanwhile))


def opened(
    namespaces: tuple[Namespace, ...], found: Mapping[Namespace, Found], rules: Rules, deadline: float, source: Source
) -> Held:
    """Everything in what was found, opened for the first time: keys that do not open are broken, the others serve.

    Raises:
        WentBackwards: a namespace's revision is below the least that is set.
        NotTaken: a revision is above any that writes explain.
        Unavailable: KMS did not answer.
    """
    layers = tuple(_opened(namespace, found[namespace], rules, deadline) for namespace in namespaces)
    return Held(layers, Snapshot(layers), source)


def ours(attempt: Callable[[], Result]) -> Result:
    """What an attempt gives. What it raises is an error of ours: those are told, counted and not tried again at once.

    It comes without the frames it was raised in, which had what was fetched and opened in their hands: its text says
    what happened.

    Raises:
        ConfigsvcError: as it does.
        Unavailable: in place of anything else, which is told by its type and place: its text may show a value.
    """
    failed: BaseException
    try:
        return attempt()
    except ConfigsvcError as error:
        failed = without_frames(error)
    except Exception as error:  # noqa: BLE001  # from credentials' sources, or a bug
        what = f"{type(error).__name__} in {_place(error)}"
        failed = Unavailable(f"It ended with {what}, which nobody foresaw. Please report it.", reason="unforeseen")
    except BaseException as error:  # noqa: BLE001  # what a signal raises, in whatever frame that meets
        failed = without_frames(error)
    raise failed


def _place(error: Exception) -> str:
    traced, place = error.__traceback__, ""
    while traced is not None:
        place = f"{traced.tb_frame.f_code.co_filename}:{traced.tb_lineno}"
        traced = traced.tb_next
    return place


def _check_answered(
    known: Mapping[Namespace, str | None], found: Mapping[Namespace, Found | ConfigsvcError]
) -> dict[Namespace, Found]:
    """What was found of each namespace that had to be.

    Raises:
        ConfigsvcError: of one there is nothing.
    """
    checked = {namespace: _answered(namespace, None, found.get(namespace)) for namespace in known}
    return {namespace: each for namespace, each in checked.items() if each is not None}


def _answered(namespace: Namespace, etag: str | None, found: Found | ConfigsvcError | None) -> Found | None:
    if isinstance(found, ConfigsvcError):
        raise found
    if (found is None and etag is None) or (found is not None and found.sealed.namespace != namespace):
        raise Unavailable(f"The service did not answer with {namespace}, as it was asked to.", namespace=namespace)
    return found


def _result(  # noqa: PLR0917  # what `refreshed` has, for one of its layers
    layer: Layer,
    known: Mapping[Namespace, str | None],
    found: Mapping[Namespace, Found | ConfigsvcError],
    rules: Rules,
    deadline: float,
    waiting: Mapping[Namespace, Refused],
) -> Layer | Refused:
    """What comes after a layer, the layer itself where nothing does, or why nothing may."""
    from configsvc_client._refusals import Refused, mark_of

    namespace, came = layer.namespace, found.get(layer.namespace)
    mark = mark_of(came) if isinstance(came, Found) else None
    before = waiting.get(namespace)
    if before is not None and mark is not None and before.mark == mark:
        return before
    try:
        return ours(lambda: _next(layer, _answered(namespace, known[namespace], came), rules, deadline))
    except ConfigsvcError as error:
        return Refused(_of(namespace, error), mark)


def _calls(came: Found | ConfigsvcError | None, rules: Rules) -> int:
    return rules.keyring.calls(came.sealed) if isinstance(came, Found) else 0


def _of(namespace: Namespace, error: ConfigsvcError) -> ConfigsvcError:
    """The error, naming its namespace; a copy: with its traceback it would keep what was opened alive."""
    detail = error.detail if namespace in error.detail else f"{namespace}: {error.detail}"
    return type(error)(detail, **{**error.members, "namespace": namespace})


def _next(layer: Layer, came: Found | None, rules: Rules, deadline: float) -> Layer:
    found = came or (Found(layer.etag, layer.reopen) if layer.reopen else None)
    if found is None:
        return layer
    if layer.etag:
        check_follows(layer.namespace, Seen(layer.revision, layer.fingerprint), found.sealed)
    else:
        check_begins(layer.namespace, found.sealed, rules.floors.get(layer.namespace, 0))
    opened = open_layer(layer.namespace, found, rules, deadline, may_break=layer.broken.keys())
    unchanged = opened.etag == layer.etag and opened.broken.keys() == layer.broken.keys()
    return layer if unchanged else opened


def _opened(namespace: Namespace, found: Found, rules: Rules, deadline: float) -> Layer:
    check_begins(namespace, found.sealed, rules.floors.get(namespace, 0))
    return open_layer(namespace, found, rules, deadline)
