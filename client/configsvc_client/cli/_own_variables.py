"""Variables that stay the caller's own: they choose which program is started, and which code it loads.

Whoever may write a namespace would else run code as everyone who runs `configsvc exec` with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model.errors import Unprocessable
from configsvc_client._variables import name_of

_PREFIXES = ("LD_", "DYLD_")
"""The dynamic linker's own (ld.so(8), dyld(1))."""

_NAMES = frozenset(
    {
        "PATH", "IFS", "BASH_ENV", "SHELLOPTS", "GCONV_PATH",
        "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONBREAKPOINT",
        "PERL5LIB", "PERLLIB", "PERL5OPT", "RUBYLIB", "RUBYOPT", "NODE_PATH", "NODE_OPTIONS",
        "CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",
    }
)  # fmt: skip


def check(keys: Iterable[str]) -> None:
    """Refuses keys that would set one of them.

    Raises:
        Unprocessable: names the key and the variable.
    """
    for key in keys:
        name = name_of(key)
        if name in _NAMES or name.startswith(_PREFIXES):
            raise Unprocessable(
                f"{key} would set {name}, which chooses what code is run. Leave it out with --only or --prefix, or "
                "have the values in a file: --mount FILE.",
                key=key,
            )
