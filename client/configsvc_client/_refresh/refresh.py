"""One refresh: fetch what is new, refuse what may not follow the held values, open all of it, and only then hold it.

Imported with the first refresh, because a cold start pays for each module.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, StaleRevision, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc.model.retry import get_retry_after
from configsvc_client._freshness import make_confirmed, make_partly_confirmed
from configsvc_client._opening.opening import OpeningRules, RememberedSnapshot, check_begins, check_follows, open_layer
from configsvc_client._opening.snapshot import NamespaceLayer, Snapshot
from configsvc_client._ports import ClockReading, FetchedSnapshot, Gateway, World
from configsvc_client._refresh.flight import (
    Flight,
    Held,
    HeldSource,
    RefreshState,
    check_answered,
    copy_error,
    translate_errors,
)
from configsvc_client._refresh.troubles import Refusals, RefusedNamespace, hash_answer
from configsvc_client._settings import ClientSettings

if TYPE_CHECKING:
    from configsvc_client._refresh.troubles import Troubles


class RefreshOutcome(Record):
    """The result of a refresh: the state, the error if it failed, and the lines to log."""

    state: RefreshState
    held: Held
    error: ConfigsvcError | None
    news: Sequence[str]


def run_refresh(
    flight: Flight,
    held: Held,
    settings: ClientSettings,
    world: World,
    rules: OpeningRules,
    *,
    longest: float,
    everything: bool,
) -> RefreshOutcome:
    """Runs the refresh of a flight.

    Args:
        flight: what there was before it, and its deadline.
        held: the values before it.
        settings: for the pace.
        world: the service, clocks and chance.
        rules: how to open.
        longest: the most seconds that the next may take, where this one had too few.
        everything: whether to open again also what was refused and is not due yet.
    """
    before, now = flight.before, flight.began
    waiting = {} if everything or before.refusals is None else before.refusals.waiting(now)
    ending = _Ending(flight, settings, world, longest)
    try:
        done = translate_errors(lambda: refresh_held(held, world.gateway, rules, flight.deadline, waiting))
    except ConfigsvcError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        troubles, news = _settle_troubles(before, held, dict.fromkeys(settings.namespaces, error))
        return RefreshOutcome(ending.fail(before._replace(troubles=troubles), [error]), held, error, news)
    troubles, news = _settle_troubles(
        before, done.held, {each: refused.error for each, refused in done.refused.items()}
    )
    if not done.refused:
        return RefreshOutcome(ending.succeed(done.held, troubles), done.held, None, news)
    errors = [each.error for each in done.refused.values()]
    refusals = before.refusals or Refusals(
        settings.poll_seconds, world.chance, dict.fromkeys(settings.namespaces, before.freshness.confirmed)
    )
    after = before._replace(
        held=done.held,
        refusals=refusals.settle(done.refused, now),
        troubles=troubles,
        counts={**before.counts, "refused": before.counts["refused"] + len(errors)},
    )
    others = now if len(errors) < len(held.layers) else None
    return RefreshOutcome(ending.fail(after, errors, others), done.held, errors[0], news)


def fail_given_up(before: RefreshState, seconds: float) -> tuple[RefreshState, list[str]]:
    """Returns the state after a flight that never came back, and the lines to log. It is still due."""
    if before.held is None:
        return before, []
    error = Unavailable(f"A refresh did not end within {seconds:g} seconds, and was given up.", reason="deadline")
    troubles, news = _settle_troubles(before, before.held, dict.fromkeys(before.held.broken, error))
    return before._replace(error=error, troubles=troubles), news


def _settle_troubles(
    before: RefreshState, held: Held, errors: Mapping[Namespace, ConfigsvcError]
) -> tuple[Troubles | None, list[str]]:
    """Returns the troubles that are logged once this flight ended, and the lines to log now."""
    if not errors and before.troubles is None:
        return None, []  # nearly every poll
    from configsvc_client._refresh.troubles import Troubles, settle

    return settle(before.troubles or Troubles(), errors, held.broken)


class _Ending(Record):
    flight: Flight
    settings: ClientSettings
    world: World
    longest: float

    def succeed(self, held: Held, troubles: Troubles | None) -> RefreshState:
        """No namespace is refused now. A change that came in less than half the usual time ends a longer deadline.

        One that took longer keeps it, and so does an unchanged answer, which is quick over any link.
        """
        settings, before, began = self.settings, self.flight.before, self.flight.began
        changed = held is not before.held
        quick = changed and self.world.clock.now().monotonic - began.monotonic < settings.refresh_seconds / 2
        return RefreshState(
            settings.refresh_seconds if quick else before.allowed,
            held,
            make_confirmed(began, settings.pace, self.world.chance),
            None,
            None,
            troubles,
            {**before.counts, "refreshes": before.counts["refreshes"] + 1},
        )

    def fail(
        self, state: RefreshState, errors: Sequence[ConfigsvcError], others: ClockReading | None = None
    ) -> RefreshState:
        """The errors; and when the other namespaces were confirmed, where they were."""
        pace, chance, now = self.settings.pace, self.world.chance, self.world.clock.now()
        away = max((each for each in map(get_retry_after, errors) if each), default=None)
        if others is None or state.refusals is None:
            freshness = state.freshness.note_failure(now, pace, chance, away)
        else:
            freshness = make_partly_confirmed(others, state.refusals.oldest(), pace, chance, away)
        counts = dict(state.counts)
        counts["failures"] += 1
        counts["stale_revisions"] += any(isinstance(each, StaleRevision) for each in errors)
        allowed = self._allowed(errors, now)
        return state._replace(error=copy_error(errors[0]), freshness=freshness, counts=counts, allowed=allowed)

    def _allowed(self, errors: Sequence[ConfigsvcError], now: ClockReading) -> float:
        """Seconds for the next refresh: twice as many where time was up, until the most did not help either."""
        flight = self.flight
        if now.monotonic < flight.deadline and not any(each.members.get("reason") == "deadline" for each in errors):
            return flight.before.allowed
        if flight.seconds >= self.longest:
            return self.settings.refresh_seconds
        return min(self.longest, max(flight.before.allowed, 2 * flight.seconds))


class RefreshedLayers(Record):
    """The values to hold from now on, and the namespaces whose answers were refused, which keep what was held."""

    held: Held
    refused: dict[Namespace, RefusedNamespace]


def refresh_held(
    held: Held, gateway: Gateway, rules: OpeningRules, deadline: float, waiting: Mapping[Namespace, RefusedNamespace]
) -> RefreshedLayers:
    """Fetches and opens what is new. Returns the same `held` if nothing changed.

    Each namespace is taken whole or not at all, and one that is refused stops no other. It keeps its ETag, so it is
    asked for again. A namespace of which a key is broken is opened again each time, so that it heals when KMS lets it;
    it is not fetched for that: whoever breaks a key would have all readers fetch everything with each poll. A namespace
    that came from the fallback file is fetched whole, and its revision sets no minimum.

    Args:
        held: the held values.
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
        return RefreshedLayers(held, {})  # nearly every poll
    # The fewest KMS calls first: whoever writes one namespace must not use up the time that another needs.
    cheapest = sorted(held.layers, key=lambda layer: _count_kms_calls(layer, found.get(layer.namespace), rules))
    results = {layer.namespace: _try_layer(layer, known, found, rules, deadline, waiting) for layer in cheapest}
    refused = {namespace: result for namespace, result in results.items() if isinstance(result, RefusedNamespace)}
    layers = tuple(
        layer if isinstance(result, RefusedNamespace) else result
        for layer, result in ((layer, results[layer.namespace]) for layer in held.layers)
    )
    if all(map(operator.is_, layers, held.layers)):
        return RefreshedLayers(held, refused)
    source: HeldSource = "service" if all(layer.etag for layer in layers) else held.source
    return RefreshedLayers(Held(layers, Snapshot(layers), source), refused)


def _try_layer(  # noqa: PLR0917  # the arguments of `refresh_held`, for one of its layers
    layer: NamespaceLayer,
    known: Mapping[Namespace, str | None],
    found: Mapping[Namespace, FetchedSnapshot | ConfigsvcError],
    rules: OpeningRules,
    deadline: float,
    waiting: Mapping[Namespace, RefusedNamespace],
) -> NamespaceLayer | RefusedNamespace:
    """Returns the layer that follows, the layer itself if it is unchanged, or why none may follow."""
    namespace, came = layer.namespace, found.get(layer.namespace)
    mark = hash_answer(came) if isinstance(came, FetchedSnapshot) else None
    before = waiting.get(namespace)
    if before is not None and mark is not None and before.mark == mark:
        return before
    try:
        return translate_errors(
            lambda: _open_next(layer, check_answered(namespace, known[namespace], came), rules, deadline)
        )
    except ConfigsvcError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return RefusedNamespace(_name_namespace(namespace, error), mark)


def _count_kms_calls(layer: NamespaceLayer, came: FetchedSnapshot | ConfigsvcError | None, rules: OpeningRules) -> int:
    """Counts the KMS calls for the next layer: for the new answer, or for keys that are opened again."""
    sealed = came.sealed if isinstance(came, FetchedSnapshot) else layer.reopen
    return rules.keyring.count_calls(sealed) if sealed is not None else 0


def _name_namespace(namespace: Namespace, error: ConfigsvcError) -> ConfigsvcError:
    """Returns a copy of the error that names its namespace. The original's traceback would keep opened values alive."""
    detail = error.detail if namespace in error.detail else f"{namespace}: {error.detail}"
    return type(error)(detail, **{**error.members, "namespace": namespace})


def _open_next(
    layer: NamespaceLayer, came: FetchedSnapshot | None, rules: OpeningRules, deadline: float
) -> NamespaceLayer:
    found = came or (FetchedSnapshot(layer.etag, layer.reopen) if layer.reopen else None)
    if found is None:
        return layer
    if layer.etag:
        check_follows(layer.namespace, RememberedSnapshot(layer.revision, layer.fingerprint), found.sealed)
    else:
        check_begins(layer.namespace, found.sealed, rules.floors.get(layer.namespace, 0))
    opened = open_layer(layer.namespace, found, rules, deadline, may_break=layer.broken.keys())
    unchanged = opened.etag == layer.etag and opened.broken.keys() == layer.broken.keys()
    return layer if unchanged else opened
