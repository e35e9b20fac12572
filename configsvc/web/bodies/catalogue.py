"""Every body by its name in the OpenAPI document. Only the document and tests load all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from configsvc.web.bodies import changes, data_keys, grants, history, keys, namespaces, service, snapshot, upkeep
from configsvc.web.bodies.common import Answer, Body


class FieldProblem(Answer):
    """A field, and what it takes."""

    field: Annotated[str, Field(examples=["operations.0.put.form"])]
    problem: Annotated[str, Field(examples=["This field is missing."])]


_SUBJECTS = (service, namespaces, snapshot, keys, changes, history, data_keys, grants, upkeep)
_MODELS = {
    name.rstrip("_"): model
    for subject in _SUBJECTS
    for name, model in vars(subject).items()
    if isinstance(model, type) and issubclass(model, BaseModel)
}

BODIES: Mapping[str, type[BaseModel]] = {name: each for name, each in _MODELS.items() if issubclass(each, Body)}
"""Bodies of requests."""

ANSWERS: Mapping[str, tuple[type[BaseModel], ...]] = {
    **{name: (each,) for name, each in _MODELS.items() if issubclass(each, Answer | service.OpenApi)},
    "AnyGrants": (grants.GrantsPage, grants.PrincipalGrants),
    "Differences": (history.Diff, history.DiffAgainst),
}
"""Bodies of answers; some answers have one of several."""
