"""Credentials from botocore's provider chain, if it is installed: profiles, SSO, assumed roles, instance roles.

Botocore only finds credentials. It does not sign or send our requests, and is imported when a signature is needed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._aws.sigv4 import Credentials, is_clean
from configsvc_client._secret import unmask

_LEAST = 0.1
_GIVEN_UP = 60.0
"""Seconds after which waiting threads abandon a call to botocore whose deadline has passed."""

_SERVER_FAULT = 500
_NEXT = "Set AWS_PROFILE, or sign in with: aws sso login."
_ROLE = "Ask the role's administrator to let you assume it, or set AWS_PROFILE to another profile."


class _Turn:
    """A thread's turn to use botocore, whose locks wait without a timeout."""

    def __init__(self, ends: float) -> None:
        self.thread = os.getpid(), threading.get_ident()
        self.ends = ends
        self.over = threading.Event()

    def is_given_up(self, now: float) -> bool:
        """Whether it is abandoned: it takes too long, or its thread is not in this copy of the process."""
        return self.thread[0] != os.getpid() or now >= self.ends


class BotocoreChain:
    """Finds credentials with botocore and caches them; botocore renews them when they expire.

    One thread at a time uses botocore; others wait for it until their own deadline.

    Args:
        profile: the value of `AWS_PROFILE`, or None.
        region: the value of `AWS_REGION`, which botocore does not read; used for a role if nothing else sets one.
        clock: returns monotonic seconds.
    """

    def __init__(
        self, profile: str | None, region: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._profile = profile
        self._region = region
        self._clock = clock
        self._turn: dict[int, _Turn] = {}  # at most one, at key 0, so that adding and removing are atomic
        self._kept: tuple[int, Any, Any] | None = None  # process id, botocore's session and credentials

    def __repr__(self) -> str:
        return f"Chain(profile={self._profile!r})"

    def find(self, deadline: float) -> Credentials:
        """Returns the credentials to sign with now.

        Botocore makes each call to STS or SSO once. Each wait at its socket ends by the deadline, but the total does
        not if names are looked up, addresses are tried one by one, or a response trickles in. Providers that ask
        instance metadata, a process or a person have their own timeouts.

        Raises:
            Misconfigured: there are no credentials, or botocore is not installed.
            Unavailable: AWS did not provide them in time, or asks to try later.
        """
        frozen, failed = self._try(deadline)
        if failed is not None:
            raise failed
        if frozen is None:
            raise Misconfigured(f"No AWS credentials: AWS_ACCESS_KEY_ID is not set, and botocore found none. {_NEXT}")
        found = Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)
        del frozen
        if not all(is_clean(unmask(each)) for each in (found.access_key, found.secret_key, found.token or "")):
            raise Misconfigured(f"The AWS credentials that botocore found contain invalid characters. {_NEXT}")
        return found

    def _try(self, deadline: float) -> tuple[Any, BaseException | None]:
        """Asks botocore. Replaces its errors by ours, because they may contain the output of a profile's process."""
        try:
            from botocore.session import Session
        except ImportError as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            return None, Misconfigured(
                "No AWS credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and a container endpoint are not set, "
                "and botocore is not installed. Set the variables, or install configsvc[cli] and sign in."
            )
        mine = self._begin(deadline)
        if mine is None:
            return None, Unavailable("AWS did not provide credentials in time.", reason="credentials")
        try:
            return self._ask(mine, Session, deadline), None
        except Exception as error:  # noqa: BLE001  # botocore's errors have two roots, and a profile may run anything
            return None, _convert_error(error)
        finally:
            if self._turn.get(0) is mine:
                self._turn.pop(0, None)
            mine.over.set()

    def _begin(self, deadline: float) -> _Turn | None:
        """Waits until no other thread has a turn and takes one. None if that takes too long or this thread has one.

        This thread already has a turn if a signal handler interrupted it: it would wait for itself.
        """
        mine = _Turn(max(deadline, self._clock() + _GIVEN_UP))
        while (other := self._turn.setdefault(0, mine)) is not mine:
            if other.is_given_up(self._clock()):
                self._kept = None  # its locks may never be released
                self._turn.pop(0, None)
            elif other.thread == mine.thread or self._clock() >= deadline:
                return None
            else:
                other.over.wait(max(0.0, min(deadline, other.ends) - self._clock()))
        return mine

    def _ask(self, mine: _Turn, make: Any, deadline: float) -> Any:  # noqa: ANN401  # botocore has no types
        kept = self._kept
        pid, session, held = kept if kept and kept[0] == os.getpid() else (os.getpid(), self._make_session(make), None)
        _limit_time(session, max(_LEAST, deadline - self._clock()))
        held = held or session.get_credentials()
        frozen = held and held.get_frozen_credentials()
        if self._turn.get(0) is mine:
            self._kept = pid, session, held
        return frozen

    def _make_session(self, make: Any) -> Any:  # noqa: ANN401  # as above
        made = make(profile=self._profile)
        if self._region and made.get_config_variable("region") is None:
            made.set_config_variable("region", self._region)
        return made


def _limit_time(session: Any, left: float) -> None:  # noqa: ANN401  # as above
    from botocore.config import Config

    session.set_default_client_config(
        Config(connect_timeout=left, read_timeout=left, retries={"total_max_attempts": 1})
    )


def _convert_error(error: Exception) -> BaseException:
    from configsvc_client._interrupts import drop_struck_frames, is_injected, prefer_interrupt

    return drop_struck_frames(error) if is_injected(error) else prefer_interrupt(error, _make_error(error))


def _make_error(error: Exception) -> Misconfigured | Unavailable:
    from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, HTTPClientError
    from botocore.exceptions import ConnectionError as NotConnected

    if isinstance(error, NotConnected | HTTPClientError):
        return Unavailable(f"AWS did not provide credentials ({type(error).__name__}).", reason="credentials")
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if "Throttl" in code or (status or 0) >= _SERVER_FAULT:
            return Unavailable(f"AWS did not provide credentials ({code}).", reason="credentials")
    said = str(error) if isinstance(error, BotoCoreError | ClientError) else type(error).__name__
    if isinstance(error, CredentialRetrievalError):  # it contains the output of a process
        given_by = error.kwargs.get("provider")
        said = f"{type(error).__name__} of {given_by}; to see its message: aws sts get-caller-identity"
    following = _ROLE if isinstance(error, ClientError) and code.startswith("AccessDenied") else _NEXT
    return Misconfigured(f"AWS credentials could not be loaded: {said.rstrip('.')}. {following}")
