"""Keys as environment variables: `db.url` is DB_URL. What `configsvc exec` and `configsvc_client.environment` go by.

Variables that choose which program is started, and which code it loads, stay the caller's own: whoever may write a
namespace would else run code as everyone who reads it so.
"""

from __future__ import annotations

from collections.abc import Mapping

from configsvc.model.errors import Unprocessable

_RENAMED = str.maketrans(".-", "__")

_LINKER = ("LD_", "DYLD_")
"""How the dynamic linker's own begin (ld.so(8), dyld(1))."""

_CHOOSES_CODE = frozenset(
    {
        "PATH", "IFS", "BASH_ENV", "SHELLOPTS", "GCONV_PATH",
        "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONBREAKPOINT",
        "PERL5LIB", "PERLLIB", "PERL5OPT", "RUBYLIB", "RUBYOPT", "NODE_PATH", "NODE_OPTIONS",
        "CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",
    }
)  # fmt: skip


def name_of(key: str) -> str:
    """The variable of a key: upper case, `.` and `-` as `_`."""
    return key.upper().translate(_RENAMED)


def variables(values: Mapping[str, bytes], leave_out: str) -> dict[str, str]:
    """The variables of all values, which come as they are stored.

    Args:
        values: by key.
        leave_out: what a person does about a key that may not be a variable; a sentence, for the error.

    Raises:
        Unprocessable: a key would choose what code is run, two have the same variable, or a value cannot stand in one.
            Names keys, never values.
    """
    keys: dict[str, str] = {}
    found: dict[str, str] = {}
    for key, data in values.items():
        name = name_of(key)
        if name in _CHOOSES_CODE or name.startswith(_LINKER):
            raise Unprocessable(f"{key} would set {name}, which chooses what code is run. {leave_out}", key=key)
        if name in keys:
            raise Unprocessable(f"{keys[name]} and {key} would both be {name}. Rename one of them.", key=key)
        keys[name] = key
        found[name] = _text(key, data)
    return found


def _text(key: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None  # raised below: as its context, this one would show the value
    if text is None:
        raise Unprocessable(f"{key} holds bytes, which no variable can. Read it by itself.", key=key)
    if "\0" in text:
        raise Unprocessable(f"{key} holds a NUL, which no variable can. Read it by itself.", key=key)
    return text
