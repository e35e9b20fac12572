"""Files whose values a tool has encrypted, known by the marker of the tool in them."""

from __future__ import annotations

import re

from configsvc_client.cli.foreign._source import DECRYPT, IMPORT, Found, Known, Source

_SOPS_ENDINGS = {
    "dotenv": (".env",),
    "json": (".json",),
    "yaml": (".yaml", ".yml"),
    "k8s-secret": (".yaml", ".yml", ".json"),
}
"""The endings by which sops knows a format (sops, cmd/sops/formats). It takes other files for binary ones."""


def _sops_binary(source: Source) -> Found:
    """A file of bytes, which sops keeps as one member of JSON."""
    return Found("a file that sops has encrypted", DECRYPT, (source.through(f"sops -d {source.file}"),), own_keys=True)


def sops(source: Source) -> Found:
    """One with sections, or of another format, is printed as JSON."""
    endings = _SOPS_ENDINGS.get(source.format)
    if endings and not (source.name or "").lower().endswith(".ini"):
        kind = "yaml" if source.format == "k8s-secret" else source.format
        is_known = source.name is None or source.name.endswith(endings)
        types = "" if is_known else f"--input-type {kind} --output-type {kind} "
        command = source.through(f"sops -d {types}{source.file}")
    else:
        command = f"sops -d --output-type json {source.file} | {IMPORT} -f json --flatten -"
    return Found("a file that sops has encrypted", DECRYPT, (command,), own_keys=True)


def _ejson(source: Source) -> Found:
    command = source.through(f"ejson decrypt {source.file} | jq 'del(._public_key)'", "json")
    return Found("a file that ejson has encrypted", DECRYPT, (command,), own_keys=True)


def _marked(what: str, command: str) -> Known:
    return lambda source: Found(what, DECRYPT, (source.through(command.format(source.file)),), own_keys=True)


_AT = r"(?m)^(?![ \t]*#\s).*?(?:^|[\s\"'=#])"
"""Where a value begins, on a line that is no comment."""

_PULUMI = (
    f"pulumi config --json --show-secrets | jq 'map_values(.objectValue // .value)' | {IMPORT} -f json --separator : -"
)

MARKERS: tuple[tuple[str, re.Pattern[str], Known], ...] = (
    ("ENC[AES256_GCM,", re.compile(r'\A\s*\{\s*"data":\s*"ENC\[AES256_GCM,[^"]*",\s*"sops":'), _sops_binary),
    (
        "ENC[AES256_GCM,",
        re.compile(
            _AT + r"ENC\[AES256_GCM,data:[^,\]\s]*,iv:[^,\]\s]*,tag:[^,\]\s]*,type:[a-z]+\]"
            r"(?=[ \t]*(?:[\"',\]}#]|\r?$))"
        ),
        sops,
    ),
    (
        "ENC[PKCS7,",
        re.compile(_AT + r"ENC\[PKCS7,[A-Za-z0-9+/=]{16}"),
        _marked("a file of hiera-eyaml", "eyaml decrypt -e {}"),
    ),
    ("EJ[1:", re.compile(_AT + r"EJ\[1:[A-Za-z0-9+/=]{20,}:[A-Za-z0-9+/=]{20,}:"), _ejson),
    (
        "$ANSIBLE_VAULT;",
        re.compile(r"(?m)!vault\s*\|[-+]?\s*\n\s+\$ANSIBLE_VAULT;"),
        lambda _: Found(
            "a file with values that ansible-vault has encrypted",
            "Decrypt each of them first: ansible-vault decrypts whole files only.", own_keys=True,
        ),
    ),
    (
        "encrypted:",
        re.compile(
            r"(?m)\A(?=(?:.*\n)*?(?:export[ \t]+)?DOTENV_PUBLIC_KEY\w*[ \t]*=)"
            r"(?:.*\n)*?(?:export[ \t]+)?[\w.]+[ \t]*=[ \t]*[\"']?encrypted:"
        ),
        _marked("a file that dotenvx has encrypted", "dotenvx decrypt --stdout -f {}"),
    ),
    (
        "{cipher}",
        re.compile(r"(?m)^(?![ \t]*#).*[:=][ \t]*[\"']?\{cipher\}[0-9A-Za-z+/=]{32}"),
        lambda _: Found("a file of Spring Cloud Config with encrypted values", "Decrypt them first.", own_keys=True),
    ),
    (
        "ENC(",
        re.compile(r"(?m)^(?![ \t]*#).*[:=][ \t]*[\"']?ENC\([0-9A-Za-z+/=]{16,}\)[ \t\"',]*$"),
        lambda _: Found("a file with values that Jasypt has encrypted", "Decrypt them first.", own_keys=True),
    ),
    (
        "DOTENV_VAULT",
        re.compile(r"(?m)^[ \t]*DOTENV_VAULT\w*[ \t]*=[ \t]*[\"']?[0-9A-Za-z+/=]{40}"),
        lambda _: Found("a file that dotenv-vault has encrypted", "Decrypt it first.", own_keys=True),
    ),
    (
        "secure:",
        re.compile(r"(?m)^(?![ \t]*#).*\bsecure:[ \t]*[\"']?(?:v1:|AAAB)[0-9A-Za-z+/=]{8}"),
        lambda _: Found("a file of Pulumi with encrypted values", DECRYPT, (_PULUMI,), own_keys=True),
    ),
)  # fmt: skip
"""Values that tools have encrypted: a text to look for first, and what it looks like in full."""


def by_marker(text: str) -> Known | None:
    """What has encrypted the values of a file."""
    return next((known for word, pattern, known in MARKERS if word in text and pattern.search(text)), None)


def format_of(text: str) -> str:
    """The format of an encrypted text from stdin, which is what its tool prints when it decrypts it."""
    if text.lstrip().startswith("{"):
        return "json"
    return "yaml" if re.search(r"(?m)^[\w.-]+:(?:\s|$)", text) else "dotenv"
