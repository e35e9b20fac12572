"""A service and a KMS that take their time by a clock that is ours: slow, silent, frozen on the way, or late.

Times are a fortieth of the defaults: who waits for another thread waits by the real clock. An answer comes by the
deadline that its request was given, or the request fails with it; one that is `stuck` comes when it is let go.
"""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Mapping

from configsvc.model.errors import ConfigsvcError, Unavailable
from configsvc.model.names import Namespace
from configsvc_client._aws.kms import Decrypted
from configsvc_client._ports import ClockReading, FetchedSnapshot, FetchResult
from configsvc_client._refresh.flight import Flight
from tests.support.client.fakes import FakeClock, FakeKms
from tests.support.machines_client.service import LabelledService

REFRESH = 0.02
START = 0.2
LONG_ENOUGH = 10.0
"""Seconds of the real clock within which what has to end does, on any machine."""


def elapsed(since: ClockReading, now: ClockReading) -> float:
    """By the clock that says more."""
    return max(0.0, now.wall - since.wall, now.monotonic - since.monotonic)


def until(done: Callable[[], bool]) -> bool:
    """Waits for something that another thread does, for a bounded time."""
    end = time.monotonic() + LONG_ENOUGH
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.0002)
    return True


class Request:
    """One request: when it began, how long it may take, and what it is answered with, decided when it arrives."""

    def __init__(self, began: ClockReading, granted: float) -> None:
        self.began, self.ended, self.granted = began, began, granted
        self.under_way = True
        self.is_orphan = False
        """Whether its process was copied, so that it is the parent's."""

    def over(self, now: ClockReading) -> bool:
        """Whether another one may begin."""
        return not self.under_way or self.is_orphan or elapsed(self.began, now) >= self.granted


class Hanging:
    """A request whose separate thread waits until the clock has come to `ends_at`."""

    def __init__(self, request: Request, flight: Flight | None, ends_at: float) -> None:
        self.request, self.flight, self.ends_at = request, flight, ends_at
        self.go = threading.Event()


class SlowService(LabelledService):
    """Answers after `takes` seconds. What is in `during` happens in the middle of the next request.

    A thread that nobody announced as a reader's runs a refresh aside: its request hangs in `hanging`, and ends when the
    clock has come to `ends_at` and `land` is called.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.takes = 0.0
        self.is_stuck = False
        self.is_late = False
        self.during: list[Callable[[], None]] = []
        self.begun: Callable[[Request], None] = lambda _: None
        self.readers = {threading.get_ident()}
        self.requests: list[Request] = []
        self.hanging: list[Hanging] = []
        self.confirmed: dict[tuple[Namespace, int], Request] = {}
        self.flight: Callable[[], Flight | None] = lambda: None
        self._of_thread: dict[int, Request] = {}
        self._threads = _thread._count()  # noqa: SLF001  # documented in no other place: threads that run

    def fetch(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: Callable[[], None] | None = None
    ) -> FetchResult:
        """See `Gateway.fetch`."""
        request = Request(self.clock.now(), deadline - self.clock.up)
        self.begun(request)
        self.requests.append(request)
        self._of_thread[threading.get_ident()] = request
        try:
            answer = self._decided(known, while_waiting)
            if self.is_aside():
                self.hang(self.takes, request.granted, is_stuck=self.is_stuck)
            else:
                self._spend(request)
            return self._confirmed(known, answer(), request)
        finally:
            request.under_way, request.ended = False, self.clock.now()

    def _decided(
        self, known: Mapping[Namespace, str | None], while_waiting: Callable[[], None] | None
    ) -> Callable[[], dict[Namespace, FetchedSnapshot | ConfigsvcError]]:
        try:
            answer = super().fetch(known, 0.0, while_waiting)
        except ConfigsvcError as error:
            failed = error
        else:
            return lambda: answer

        def fail() -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
            raise failed

        return fail

    def _spend(self, request: Request) -> None:
        """On the reader's thread: time goes on, and in the middle something happens."""
        takes, is_late = self.takes, self.is_late
        half = max(0.0, min(takes / 2, request.granted))  # a request may begin when its time is over
        self.clock.advance(half)
        if self.during:
            self.during.pop(0)()
        rest = min(takes - half, request.began.monotonic + request.granted - self.clock.up)
        self.clock.advance(max(0.0, rest))
        if rest < takes - half and not (is_late and takes < request.granted):
            raise Unavailable("did not answer in time", reason="deadline")

    def is_aside(self) -> bool:
        """Whether this is a thread that finishes a refresh for others."""
        return threading.get_ident() not in self.readers

    def hang(self, takes: float, granted: float, *, is_stuck: bool = False) -> None:
        """On a thread of its own: takes its time, or all that it was granted, and waits to be let go."""
        if takes < REFRESH / 10 and not is_stuck:
            return
        ends_at = float("inf") if is_stuck else self.clock.up + min(takes, granted)
        hanging = Hanging(self._of_thread[threading.get_ident()], self.flight(), ends_at)
        self.hanging.append(hanging)
        assert hanging.go.wait(10 * LONG_ENOUGH)
        if takes > granted:
            raise Unavailable("did not answer in time", reason="deadline")

    def _confirmed(
        self,
        known: Mapping[Namespace, str | None],
        answer: dict[Namespace, FetchedSnapshot | ConfigsvcError],
        request: Request,
    ) -> FetchResult:
        """Takes note since when what is held after this answer is known to have been served."""
        for namespace in known:
            came = answer.get(namespace)
            if isinstance(came, ConfigsvcError):
                continue
            revision = came.sealed.revision if came else int(str(known[namespace]).strip('"').partition("-")[0])
            before = self.confirmed.get((namespace, revision))
            if before is None or self.requests.index(before) < self.requests.index(request):
                self.confirmed[namespace, revision] = request
        return answer

    def settled(self) -> bool:
        """Waits until every thread has ended or hangs, also one that was started and has not run yet."""

        def quiet() -> bool:
            flight = self.flight()
            if flight is not None and not flight.ended and all(each.flight is not flight for each in self.hanging):
                return False
            return _thread._count() <= self._threads + len(self.hanging)  # noqa: SLF001  # as above

        return until(quiet)

    def land(self, hanging: Hanging) -> None:
        """Lets what hangs come back, and waits until its thread has ended or hangs again."""
        self.hanging.remove(hanging)
        hanging.go.set()
        assert self.settled(), "a thread that came back did not end"

    def landed(self) -> None:
        """Lets come back what is due by the clock."""
        while due := [each for each in self.hanging if each.ends_at <= self.clock.up]:
            self.land(due[0])


class SlowKms(FakeKms):
    """Takes its time too."""

    def __init__(self, service: SlowService) -> None:
        super().__init__()
        self._service = service
        self.takes = 0.0

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`."""
        clock = self._service.clock
        left = max(0.0, deadline - clock.up)
        if self._service.is_aside():
            self._service.hang(self.takes, left)
        else:
            clock.advance(min(self.takes, left))
        if self.takes > left:
            raise Unavailable("KMS did not answer in time", reason="deadline")
        return super().decrypt(ciphertext, context, key_id, deadline)
