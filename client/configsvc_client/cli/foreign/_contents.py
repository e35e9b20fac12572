"""Files known by how they begin, their first line, their ending, or the marker of the tool that encrypted them."""

from __future__ import annotations

import re
from pathlib import PurePath

from configsvc_client.cli.foreign._source import DECRYPT, IMPORT, ForeignSource, KnownAs, Recognized


def _refused(what: str, advice: str) -> KnownAs:
    return lambda _: Recognized(what, advice)


def _through(what: str, advice: str, command: str) -> KnownAs:
    """The command has `{}` for the file."""
    return lambda source: Recognized(what, advice, (source.through(command.format(source.file)),))


def _value(what: str) -> KnownAs:
    return lambda source: Recognized(
        what, "It is one value, not keys and values. Store it under a key:", (f"configsvc put KEY @{source.file}",)
    )


_COMPRESSED = "Decompress it on the way:"
_AGE = _through("a file that age has encrypted", DECRYPT, "age -d -i IDENTITY {}")
_GPG = _through("a file that gpg has encrypted", DECRYPT, "gpg -d {}")
_HTML = _refused("an HTML page", "It may be the page that asks to sign in. Get the file itself.")
_XML = "Import reads no XML. Convert it to JSON, YAML or CSV first."

STARTS: tuple[tuple[bytes, KnownAs], ...] = (
    (b"\0GITCRYPT\0", _refused("a file that git-crypt has locked", "Run git-crypt unlock in its repository first.")),
    (b"PK\x03\x04", _refused("a zip archive or a spreadsheet", "Unpack it, or save the sheet as CSV (UTF-8).")),
    (b"\xd0\xcf\x11\xe0", _refused("a document of Microsoft Office", "Save the sheet as CSV (UTF-8).")),
    (b"\x1f\x8b", _through("a gzip file", _COMPRESSED, "gunzip -c {}")),
    (b"BZh", _through("a bzip2 file", _COMPRESSED, "bunzip2 -c {}")),
    (b"\xfd7zXZ\0", _through("an xz file", _COMPRESSED, "xz -dc {}")),
    (b"\x28\xb5\x2f\xfd", _through("a zstd file", _COMPRESSED, "zstd -dc {}")),
    (b"\xff\xfe", _through("UTF-16 text, such as Excel's Unicode text", "Convert it:", "iconv -f UTF-16 -t UTF-8 {}")),
    (b"\xfe\xff", _through("UTF-16 text, such as Excel's Unicode text", "Convert it:", "iconv -f UTF-16 -t UTF-8 {}")),
    (b"%PDF-", _refused("a PDF", "Import reads text files only.")),
    (b"Salted__", _refused("a file that openssl enc has encrypted", "Decrypt it first, with openssl enc -d.")),
    (b"age-encryption.org/", _AGE),
)  # fmt: skip
"""How files of bytes begin."""

TEXT_STARTS: tuple[tuple[bytes, KnownAs], ...] = (
    (b"-----BEGIN AGE ENCRYPTED FILE-----", _AGE),
    (b"-----BEGIN PGP MESSAGE-----", _GPG),
    (b"$ANSIBLE_VAULT;", _through("a file that ansible-vault has encrypted", DECRYPT, "ansible-vault view {}")),
    (b"-----BEGIN ", _value("a key or a certificate (PEM)")),
    (b"<?xml", _refused("XML", _XML)),
    (b"<!doctype html", _HTML),
    (b"<html", _HTML),
)  # fmt: skip
"""How texts begin, blanks aside and in lower case."""


_INI = _refused(
    "a file with sections (INI)",
    "Convert it to JSON or YAML first.",
)
_SECTION = re.compile(r"(?:[ \t]*(?:[#;][^\n]*)?\r?\n)*[ \t]*\[[\w .:/\"'-]+\][ \t]*(?:[#;][^\n]*)?(?:\r?\n|\Z)")
_HCL = _refused("a file of Terraform (HCL)", "Convert it to JSON first: Terraform reads .tfvars.json files too.")
_LINES = _refused("JSON lines", "Import takes one JSON object with the keys.")
_LOOSE = _refused("JSON with extensions", "Import reads plain JSON. Convert it first.")

_OTHERWISE = "If it is something else, pass -f FORMAT."

ENDINGS: dict[str, KnownAs] = {
    **dict.fromkeys((".ini", ".cfg", ".conf", ".cnf"), _INI),
    **dict.fromkeys((".tfvars", ".hcl", ".tf"), _HCL),
    **dict.fromkeys((".jsonl", ".ndjson"), _LINES),
    **dict.fromkeys((".json5", ".jsonc", ".hjson"), _LOOSE),
    **dict.fromkeys((".xml", ".plist", ".config", ".resx"), _refused("XML", _XML)),
    **dict.fromkeys((".xls", ".xlsx", ".ods", ".numbers"), _refused("a spreadsheet", "Save it as CSV (UTF-8).")),
    **dict.fromkeys((".pem", ".key", ".crt", ".cer", ".p12", ".pfx", ".jks"), _value("a key or a certificate")),
    **dict.fromkeys((".gpg", ".asc"), _GPG),
    ".age": _AGE,
    **dict.fromkeys((".html", ".htm"), _HTML),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z"), _refused("an archive", "Unpack it first.")),
}  # fmt: skip
"""Endings of files that are not dotenv, though no format of ours has them; --format says otherwise."""


def by_start(content: bytes) -> KnownAs | None:
    """What a file is by its first bytes."""
    head = content[:512]
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, known in STARTS:
        if head.startswith(start):
            return known
    for start, known in TEXT_STARTS:
        if text.startswith(start.lower()):
            return known
    if len(head) > 3 and not any(head[1::2]) and all(head[::2]):  # noqa: PLR2004  # two characters of UTF-16
        return _through("UTF-16 text", "Convert it:", "iconv -f UTF-16LE -t UTF-8 {}")
    return _binary(content)


def by_sections(text: str, source: ForeignSource) -> Recognized | None:
    """A file that begins with a section, such as `~/.aws/credentials`, where only the ending says that it is dotenv."""
    is_ini = source.guessed and source.format == "dotenv" and _SECTION.match(text)
    return _INI(source) if is_ini else None


def by_ending(name: str) -> KnownAs | None:
    """What a file is by its ending."""
    known = ENDINGS.get(PurePath(name).suffix.lower())
    return known and _by_name_alone(known)


def _by_name_alone(known: KnownAs) -> KnownAs:
    def found(source: ForeignSource) -> Recognized:
        found = known(source)
        return found._replace(what=f"{found.what} by its name", advice=f"{_OTHERWISE} {found.advice}")

    return found


def _binary(content: bytes) -> KnownAs | None:
    if b"\0" not in content:
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return _value("a binary file")
    return None


_SOPS_ENDINGS = {
    "dotenv": (".env",),
    "json": (".json",),
    "yaml": (".yaml", ".yml"),
    "k8s-secret": (".yaml", ".yml", ".json"),
}
"""The endings by which sops knows a format (sops, cmd/sops/formats). It takes other files for binary ones."""


def _sops_binary(source: ForeignSource) -> Recognized:
    """A file of bytes, which sops keeps as one member of JSON."""
    return Recognized(
        "a file that sops has encrypted", DECRYPT, (source.through(f"sops -d {source.file}"),), own_keys=True
    )


def sops(source: ForeignSource) -> Recognized:
    """One with sections, or of another format, is printed as JSON."""
    endings = _SOPS_ENDINGS.get(source.format)
    if endings and not (source.name or "").lower().endswith(".ini"):
        kind = "yaml" if source.format == "k8s-secret" else source.format
        is_known = source.name is None or source.name.endswith(endings)
        types = "" if is_known else f"--input-type {kind} --output-type {kind} "
        command = source.through(f"sops -d {types}{source.file}")
    else:
        command = f"sops -d --output-type json {source.file} | {IMPORT} -f json --flatten -"
    return Recognized("a file that sops has encrypted", DECRYPT, (command,), own_keys=True)


def _ejson(source: ForeignSource) -> Recognized:
    command = source.through(f"ejson decrypt {source.file} | jq 'del(._public_key)'", "json")
    return Recognized("a file that ejson has encrypted", DECRYPT, (command,), own_keys=True)


def _marked(what: str, command: str) -> KnownAs:
    return lambda source: Recognized(what, DECRYPT, (source.through(command.format(source.file)),), own_keys=True)


_AT = r"(?m)^(?![ \t]*#\s).*?(?:^|[\s\"'=#])"
"""Where a value begins, on a line that is no comment."""

_PULUMI = (
    f"pulumi config --json --show-secrets | jq 'map_values(.objectValue // .value)' | {IMPORT} -f json --separator : -"
)

MARKERS: tuple[tuple[str, re.Pattern[str], KnownAs], ...] = (
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
        lambda _: Recognized(
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
        lambda _: Recognized(
            "a file of Spring Cloud Config with encrypted values", "Decrypt them first.", own_keys=True
        ),
    ),
    (
        "ENC(",
        re.compile(r"(?m)^(?![ \t]*#).*[:=][ \t]*[\"']?ENC\([0-9A-Za-z+/=]{16,}\)[ \t\"',]*$"),
        lambda _: Recognized("a file with values that Jasypt has encrypted", "Decrypt them first.", own_keys=True),
    ),
    (
        "DOTENV_VAULT",
        re.compile(r"(?m)^[ \t]*DOTENV_VAULT\w*[ \t]*=[ \t]*[\"']?[0-9A-Za-z+/=]{40}"),
        lambda _: Recognized("a file that dotenv-vault has encrypted", "Decrypt it first.", own_keys=True),
    ),
    (
        "secure:",
        re.compile(r"(?m)^(?![ \t]*#).*\bsecure:[ \t]*[\"']?(?:v1:|AAAB)[0-9A-Za-z+/=]{8}"),
        lambda _: Recognized("a file of Pulumi with encrypted values", DECRYPT, (_PULUMI,), own_keys=True),
    ),
)  # fmt: skip
"""Values that tools have encrypted: a text to look for first, and what it looks like in full."""


def by_marker(text: str) -> KnownAs | None:
    """What has encrypted the values of a file."""
    return next((known for word, pattern, known in MARKERS if word in text and pattern.search(text)), None)


def format_of(text: str) -> str:
    """The format of an encrypted text from stdin, which is what its tool prints when it decrypts it."""
    if text.lstrip().startswith("{"):
        return "json"
    return "yaml" if re.search(r"(?m)^[\w.-]+:(?:\s|$)", text) else "dotenv"
