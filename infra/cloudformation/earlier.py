"""An expanded template that is deployed again: what it serves, and what it is with the stack's settings of today.

Pure functions over dicts. A rollback redeploys such a template word for word, unless a setting that must not go back
(the gateway's proof, the administrators) is part of a version: then the version is published under another name.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from infra.cloudformation import canary, versions
from infra.cloudformation.template import Template

KEPT = ("Admins", "GatewayProof", "GatewayProofGeneration", "GatewayProofMode", "GatewayProofSha256")
"""Parameters that a rollback leaves as they are. An earlier proof locks everybody out; earlier administrators may be
people who have lost their rights since."""
_OURS = "configsvc"
_KEY = "AWS::KMS::Key"
_JOINED = "AWS::ApiGateway::UsagePlanKey"
_PARAMETER = "AWS::SSM::Parameter"
_VERSION = "AWS::Lambda::Version"
_RELEASE = re.compile(r"\b[0-9a-f]{64}\b")


class Notes(NamedTuple):
    """The notes in a template's metadata: the commit it was built of and, of a rollback, the deployment it restores."""

    commit: str | None = None
    restores: int | None = None


def with_notes(expanded: Template, notes: Notes) -> Template:
    """The template with our notes. CloudFormation changes nothing for their sake."""
    done = copy.deepcopy(expanded)
    held = {name: value for name, value in notes._asdict().items() if value is not None}
    done["Metadata"] = {**done.get("Metadata", {}), _OURS: held} if held else done.get("Metadata", {})
    return done if done["Metadata"] else {name: each for name, each in done.items() if name != "Metadata"}


def read_notes(expanded: Template) -> Notes:
    """Our notes, as far as they are there."""
    held = expanded.get("Metadata", {}).get(_OURS, {})
    return Notes(held.get("commit"), held.get("restores"))


def identify(expanded: Template, parameters: Mapping[str, str | None]) -> str:
    """SHA-256 over what a deployment of the template serves, the same whether it got a canary or is a rollback."""
    content = canary.at_once(with_notes(expanded, Notes()))
    content.get("Metadata", {}).pop(_OURS, None)
    content.pop("Metadata", None)
    held = {name: value for name, value in parameters.items() if name not in KEPT}
    text = json.dumps([content, held], sort_keys=True)
    for name, function in list_versions(expanded):
        text = text.replace(name, f"{function}Version")
    for name in find_functions(expanded):
        for release in _RELEASE.findall(expanded["Resources"][name]["Properties"].get("Description", "")):
            text = text.replace(release, "release")
    return hashlib.sha256(text.encode()).hexdigest()


def list_secrets(expanded: Template) -> set[str]:
    """The parameters that CloudFormation shows to nobody."""
    declared = expanded.get("Parameters", {})
    return {name for name, about in declared.items() if str(about.get("NoEcho", "")).lower() == "true"}


def with_key_policies(expanded: Template, today: Template) -> Template:
    """The template with the KMS keys' policies of today: accounts and administrators that lost the key stay without."""
    done = copy.deepcopy(expanded)
    for name, each in done["Resources"].items():
        held = today["Resources"].get(name, {})
        if each["Type"] == _KEY == held.get("Type"):
            each["Properties"]["KeyPolicy"] = held["Properties"]["KeyPolicy"]
    return done


def with_api_keys(expanded: Template, today: Template) -> Template:
    """The template with today's API keys in each usage plan that both have: going back takes no key from anybody."""
    done = copy.deepcopy(expanded)
    plans = set(_list_keys(expanded).values()) & set(_list_keys(today).values())
    parts = ("Resources", "Outputs")
    for part, then, now in zip(parts, _name_keys(expanded, plans), _name_keys(today, plans), strict=True):
        held = {name: each for name, each in done.get(part, {}).items() if name not in then}
        done[part] = held | {name: copy.deepcopy(today[part][name]) for name in sorted(now)}
    return done


def _list_keys(expanded: Template) -> dict[tuple[str, str], str]:
    """The usage plan of each API key, by the logical ids of its place there and of the key."""
    joined = {name: each["Properties"] for name, each in expanded["Resources"].items() if each["Type"] == _JOINED}
    return {(name, each["KeyId"]["Ref"]): each["UsagePlanId"]["Ref"] for name, each in joined.items()}


def _name_keys(expanded: Template, plans: set[str]) -> tuple[set[str], set[str]]:
    """The resources and the outputs that are, or name, an API key of the plans."""
    pairs = [pair for pair, plan in _list_keys(expanded).items() if plan in plans]
    keys = {key for _, key in pairs}

    def is_named(value: object) -> bool:
        return isinstance(value, dict) and value.get("Ref") in keys

    published = {
        name
        for name, each in expanded["Resources"].items()
        if each["Type"] == _PARAMETER and is_named(each["Properties"].get("Value"))
    }
    outputs = {name for name, each in expanded.get("Outputs", {}).items() if is_named(each.get("Value"))}
    return {place for place, _ in pairs} | keys | published, outputs


def find_functions(expanded: Template) -> list[str]:
    """The logical ids of the template's functions."""
    return [name for name, each in expanded["Resources"].items() if each["Type"] == versions.FUNCTION]


def list_versions(expanded: Template) -> Iterator[tuple[str, str]]:
    """The logical id of each version, and of its function."""
    for name, each in expanded["Resources"].items():
        if each["Type"] == _VERSION:
            yield name, each["Properties"]["FunctionName"]["Ref"]


def list_code(expanded: Template) -> dict[str, str]:
    """The key of each function's code in the bucket, by the function's logical id."""
    code = {name: expanded["Resources"][name]["Properties"].get("Code", {}) for name in find_functions(expanded)}
    return {name: each["S3Key"] for name, each in code.items() if "S3Key" in each}


def release_again(expanded: Template, before: Mapping[str, str], now: Mapping[str, str]) -> Template:
    """The template as a deployment of the same code with the parameters of now would have it.

    A version whose content differs from the one it was recorded with gets the name that `make deploy` would give it.
    Else Lambda would refuse to publish the same content under a second name at the next deployment.
    """
    held, wanted = (versions.list_releases(_by_content(expanded), each) for each in (before, now))
    text = json.dumps(expanded)
    for name, function in list_versions(expanded):
        if held[function] == wanted[function]:
            continue
        text = text.replace(json.dumps(name), json.dumps(f"{function}Version{wanted[function][:10]}"))
        for release in _RELEASE.findall(expanded["Resources"][function]["Properties"].get("Description", "")):
            text = text.replace(release, wanted[function])
    done: Template = json.loads(text)
    return done


def _by_content(expanded: Template) -> Template:
    """The functions as they are before they have a place and a release."""
    done = copy.deepcopy(expanded)
    for name, key in list_code(expanded).items():
        properties = done["Resources"][name]["Properties"]
        properties["Code"] = {"S3Bucket": "by-content", "S3Key": key.rpartition("/")[2].partition(".")[0]}
        described = _RELEASE.sub("", properties.get("Description", "")).strip()
        properties.pop("Description", None)
        if described:
            properties["Description"] = described
    return done
