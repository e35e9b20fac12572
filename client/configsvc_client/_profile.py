"""The profile of AWS's shared files, as botocore reads them: a region, and which endpoints to use.

Only loaded where there is such a file. botocore itself would be 100 ms of a start, and may not be installed.
"""

from __future__ import annotations

import configparser
import shlex
from collections.abc import Mapping

from configsvc.model.errors import Misconfigured

_Sections = dict[str, dict[str, str]]
_SERVICES = "services"
KMS_URL, LACKS = "endpoint_url of kms", "lacks"
"""Members of ours: KMS's `endpoint_url` in the `services` that a profile names, and what is wrong with those."""


def members(config: str, credentials: str, name: str) -> Mapping[str, str]:
    """The members of a profile; empty where there is no such profile.

    Args:
        config: the path of the configuration file, which may not exist.
        credentials: the path of the credentials file, whose members come first; it may not exist either.
        name: of the profile.

    Raises:
        Misconfigured: a file is not of AWS's format.
    """
    sections = _parsed(config)
    found = _profiles(sections).get(name, {}) | _parsed(credentials).get(name, {})
    if _SERVICES in found:
        services = {_named(each): of for each, of in sections.items() if each.startswith(_SERVICES)}
        lacks = f"The AWS profile {name} names services = {found[_SERVICES]}, but {config} has no such section. Add it."
        found |= _of_kms(services[found[_SERVICES]]) if found[_SERVICES] in services else {LACKS: lacks}
    return found


def _parsed(path: str) -> _Sections:
    parser = configparser.RawConfigParser()
    try:
        parser.read([path])
    except (configparser.Error, UnicodeDecodeError) as error:  # another is raised below: this one shows a line
        from configsvc_client._foreign import pass_on

        pass_on(error)
    else:
        return {section: dict(parser.items(section)) for section in parser.sections()}
    raise Misconfigured(
        f"{path} is not a valid AWS configuration file. Correct it, or set AWS_CONFIG_FILE or "
        "AWS_SHARED_CREDENTIALS_FILE to another."
    )


def _profiles(sections: _Sections) -> _Sections:
    """By their names: `[profile x]` and `[default]`. The later of two `default` counts, as for botocore."""
    named = {each if each == "default" else _named(each): of for each, of in sections.items() if _is_profile(each)}
    return {name: of for name, of in named.items() if name is not None}


def _is_profile(section: str) -> bool:
    return section == "default" or section.startswith("profile")


def _named(section: str) -> str | None:
    """What follows the kind of a section, which may be quoted; None where that is not one word."""
    try:
        words = shlex.split(section)
    except ValueError as error:
        from configsvc_client._foreign import pass_on

        pass_on(error)
        return None
    return words[1] if len(words) == 2 else None  # noqa: PLR2004  # the kind and the name


def _of_kms(services: Mapping[str, str]) -> dict[str, str]:
    """Of the lines that are indented below `kms =`."""
    lines = (line.partition("=") for line in services.get("kms", "").splitlines())
    nested = {name.strip(): value.strip() for name, _, value in lines}
    return {KMS_URL: nested["endpoint_url"]} if nested.get("endpoint_url") else {}
