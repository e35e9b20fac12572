"""Errors of this computer rather than of the product; each message says what to do next."""


class LocalError(Exception):
    """The local stack cannot go on."""


class PortBusy(LocalError):
    """Another program listens on the port that was asked for."""


class AlreadyRunning(LocalError):
    """Another run that is still alive uses the same state directory."""


class NotReady(LocalError):
    """A program that was started ended, or did not answer in time."""
