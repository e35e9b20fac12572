"""The query of a request: what the route takes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from configsvc.model.errors import InvalidRequest
from configsvc.model.text import shown
from configsvc.web.description import Number, Parameter, Text

_SHOWN = 64


def check(sent: Mapping[str, Sequence[str]], taken: Sequence[Parameter]) -> None:
    """Refuse what the route does not take.

    Raises:
        InvalidRequest: an unknown parameter, one that is given too often or without a value, a number that is none or
            out of bounds, or one that is missing.
    """
    known = {parameter.name: parameter for parameter in taken}
    for name, values in sent.items():
        if name not in known:
            raise InvalidRequest(
                f"Unknown query parameter. This route takes: {', '.join(known) or 'none'}.", field=shown(name[:_SHOWN])
            )
        _check(known[name], values)
    for parameter in taken:
        if parameter.required and parameter.name not in sent:
            raise InvalidRequest(f"Give {parameter.name}: {parameter.about}", field=parameter.name)


def _check(parameter: Parameter, values: Sequence[str]) -> None:
    if len(values) > parameter.most:
        often = "once" if parameter.most == 1 else f"{parameter.most} times at most"
        raise InvalidRequest(f"Give {parameter.name} {often}.", field=parameter.name)
    for text in values:
        match parameter.takes:
            case Number():
                parameter.number(text)
            case Text(may_be_empty=False) if not text:
                raise InvalidRequest(f"Give {parameter.name} a value, or leave it out.", field=parameter.name)
