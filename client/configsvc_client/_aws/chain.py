"""Credentials by botocore's chain, where it is installed: profiles, SSO, roles that are assumed, instance roles.

Botocore only finds them. It signs and sends nothing of ours, and is imported when a signature is first needed.
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
"""Seconds after which a call of botocore's is given up that another thread waits for, if its deadline has passed."""

_SERVER_FAULT = 500
_NEXT = "Set AWS_PROFILE, or sign in with: aws sso login."
_ROLE = "Who manages that role has to let you assume it, or set AWS_PROFILE to another profile."


class _Turn:
    """A thread's use of botocore, which has locks that are waited for without a bound."""

    def __init__(self, ends: float) -> None:
        self.thread = os.getpid(), threading.get_ident()
        self.ends = ends
        self.over = threading.Event()

    def is_given_up(self, now: float) -> bool:
        """Whether nobody waits for it any longer: it takes too long, or its thread is not in this copy of a process."""
        return self.thread[0] != os.getpid() or now >= self.ends


class BotocoreChain:
    """What the chain found, which is kept: botocore renews by itself what expires.

    One thread at a time uses botocore; others wait for it until their own deadline.

    Args:
        profile: that of `AWS_PROFILE`, None for none.
        region: that of `AWS_REGION`, which botocore does not read; for a role, where nothing else names one.
        clock: monotonic seconds.
    """

    def __init__(
        self, profile: str | None, region: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._profile = profile
        self._region = region
        self._clock = clock
        self._turn: dict[int, _Turn] = {}  # at most one, at 0: put in and taken out in one step each
        self._kept: tuple[int, Any, Any] | None = None  # the process that made them, botocore's session and credentials

    def __repr__(self) -> str:
        return f"Chain(profile={self._profile!r})"

    def find(self, deadline: float) -> Credentials:
        """The credentials to sign with now.

        Each call that botocore makes to STS or SSO is made once, and waits at its socket for no longer than is left
        each time: no bound in all where a name is looked up, addresses are tried one by one, or an answer drips. What
        asks the instance's metadata, a process or a person keeps a time of its own.

        Raises:
            Misconfigured: there are none, or botocore is not installed.
            Unavailable: AWS did not give them in time, or asks to try later.
        """
        frozen, failed = self._tried(deadline)
        if failed is not None:
            raise failed
        if frozen is None:
            raise Misconfigured(f"No AWS credentials: AWS_ACCESS_KEY_ID is not set, and botocore found none. {_NEXT}")
        found = Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)
        del frozen
        if not all(is_clean(unmask(each)) for each in (found.access_key, found.secret_key, found.token or "")):
            raise Misconfigured(f"What botocore found as AWS credentials cannot be sent. {_NEXT}")
        return found

    def _tried(self, deadline: float) -> tuple[Any, BaseException | None]:
        """What botocore gives, or our error in place of its own, which may hold what a profile's process printed."""
        try:
            from botocore.session import Session
        except ImportError as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            return None, Misconfigured(
                "No AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, nor an endpoint of a "
                "container, and botocore is not installed. Set them, or: pip install 'configsvc[cli]', and sign in."
            )
        mine = self._begun(deadline)
        if mine is None:
            return None, Unavailable("AWS did not give credentials in time.", reason="credentials")
        try:
            return self._asked(mine, Session, deadline), None
        except Exception as error:  # noqa: BLE001  # its own are of two trees, and a profile may run anything
            return None, _convert_error(error)
        finally:
            if self._turn.get(0) is mine:
                self._turn.pop(0, None)
            mine.over.set()

    def _begun(self, deadline: float) -> _Turn | None:
        """A turn of this thread, once no other has one. None where that takes too long, or it has one already.

        It has one where a signal handler interrupted it: to wait would be to wait for itself.
        """
        mine = _Turn(max(deadline, self._clock() + _GIVEN_UP))
        while (other := self._turn.setdefault(0, mine)) is not mine:
            if other.is_given_up(self._clock()):
                self._kept = None  # with locks that nobody may ever let go
                self._turn.pop(0, None)
            elif other.thread == mine.thread or self._clock() >= deadline:
                return None
            else:
                other.over.wait(max(0.0, min(deadline, other.ends) - self._clock()))
        return mine

    def _asked(self, mine: _Turn, make: Any, deadline: float) -> Any:  # noqa: ANN401  # botocore has no types
        kept = self._kept
        pid, session, held = kept if kept and kept[0] == os.getpid() else (os.getpid(), self._session(make), None)
        _limit_time(session, max(_LEAST, deadline - self._clock()))
        held = held or session.get_credentials()
        frozen = held and held.get_frozen_credentials()
        if self._turn.get(0) is mine:
            self._kept = pid, session, held
        return frozen

    def _session(self, make: Any) -> Any:  # noqa: ANN401  # as above
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
        return Unavailable(f"AWS did not give credentials ({type(error).__name__}).", reason="credentials")
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if "Throttl" in code or (status or 0) >= _SERVER_FAULT:
            return Unavailable(f"AWS did not give credentials ({code}).", reason="credentials")
    said = str(error) if isinstance(error, BotoCoreError | ClientError) else type(error).__name__
    if isinstance(error, CredentialRetrievalError):  # it holds what a process printed
        given_by = error.kwargs.get("provider")
        said = f"{type(error).__name__} of {given_by}; aws sts get-caller-identity shows what it says"
    following = _ROLE if isinstance(error, ClientError) and code.startswith("AccessDenied") else _NEXT
    return Misconfigured(f"AWS credentials could not be loaded: {said.rstrip('.')}. {following}")
