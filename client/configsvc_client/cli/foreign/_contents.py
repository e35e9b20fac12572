"""Recognizes files by their first bytes, their first line, their ending, or an encryption tool's marker."""

from __future__ import annotations

import re
from pathlib import PurePath

from configsvc_client.cli.foreign._source import DECRYPT, IMPORT, ForeignSource, KnownAs, Recognized


def _advise(what: str, advice: str) -> KnownAs:
    return lambda _: Recognized(what, advice)


def _pipe(what: str, advice: str, command: str) -> KnownAs:
    """A file that a command converts; `{}` in the command is the file."""
    return lambda source: Recognized(what, advice, (source.through(command.format(source.file)),))


def _store(what: str) -> KnownAs:
    return lambda source: Recognized(
        what, "It is a single value, not keys and values. Store it under a key:", (f"configsvc put KEY @{source.file}",)
    )


_COMPRESSED = "Decompress it in the same command:"
_AGE = _pipe("a file encrypted with age", DECRYPT, "age -d -i IDENTITY {}")
_GPG = _pipe("a file encrypted with gpg", DECRYPT, "gpg -d {}")
_HTML = _advise("an HTML page", "It may be a sign-in page. Download the file itself.")
_XML = "XML cannot be imported. Convert it to JSON, YAML or CSV first."

STARTS: tuple[tuple[bytes, KnownAs], ...] = (
    (b"\0GITCRYPT\0", _advise("a file locked by git-crypt", "Run git-crypt unlock in its repository first.")),
    (b"PK\x03\x04", _advise("a zip archive or a spreadsheet", "Unpack it, or save the sheet as CSV (UTF-8).")),
    (b"\xd0\xcf\x11\xe0", _advise("a Microsoft Office document", "Save the sheet as CSV (UTF-8).")),
    (b"\x1f\x8b", _pipe("a gzip file", _COMPRESSED, "gunzip -c {}")),
    (b"BZh", _pipe("a bzip2 file", _COMPRESSED, "bunzip2 -c {}")),
    (b"\xfd7zXZ\0", _pipe("an xz file", _COMPRESSED, "xz -dc {}")),
    (b"\x28\xb5\x2f\xfd", _pipe("a zstd file", _COMPRESSED, "zstd -dc {}")),
    (b"\xff\xfe", _pipe("UTF-16 text, such as Excel's Unicode text", "Convert it:", "iconv -f UTF-16 -t UTF-8 {}")),
    (b"\xfe\xff", _pipe("UTF-16 text, such as Excel's Unicode text", "Convert it:", "iconv -f UTF-16 -t UTF-8 {}")),
    (b"%PDF-", _advise("a PDF", "Only text files can be imported.")),
    (b"Salted__", _advise("a file encrypted with openssl enc", "Decrypt it first with openssl enc -d.")),
    (b"age-encryption.org/", _AGE),
)  # fmt: skip
"""First bytes of binary files."""

TEXT_STARTS: tuple[tuple[bytes, KnownAs], ...] = (
    (b"-----BEGIN AGE ENCRYPTED FILE-----", _AGE),
    (b"-----BEGIN PGP MESSAGE-----", _GPG),
    (b"$ANSIBLE_VAULT;", _pipe("a file encrypted with ansible-vault", DECRYPT, "ansible-vault view {}")),
    (b"-----BEGIN ", _store("a key or a certificate (PEM)")),
    (b"<?xml", _advise("XML", _XML)),
    (b"<!doctype html", _HTML),
    (b"<html", _HTML),
)  # fmt: skip
"""First characters of text files, without leading blanks and in lower case."""


_INI = _advise(
    "a file with sections (INI)",
    "Convert it to JSON or YAML first.",
)
_SECTION = re.compile(r"(?:[ \t]*(?:[#;][^\n]*)?\r?\n)*[ \t]*\[[\w .:/\"'-]+\][ \t]*(?:[#;][^\n]*)?(?:\r?\n|\Z)")
_HCL = _advise("a Terraform file (HCL)", "Convert it to JSON first: Terraform reads .tfvars.json files too.")
_LINES = _advise("JSON lines", "Convert it to a single JSON object with the keys first.")
_LOOSE = _advise("JSON with extensions", "Convert it to plain JSON first.")

_OTHERWISE = "If that is wrong, pass -f FORMAT."

ENDINGS: dict[str, KnownAs] = {
    **dict.fromkeys((".ini", ".cfg", ".conf", ".cnf"), _INI),
    **dict.fromkeys((".tfvars", ".hcl", ".tf"), _HCL),
    **dict.fromkeys((".jsonl", ".ndjson"), _LINES),
    **dict.fromkeys((".json5", ".jsonc", ".hjson"), _LOOSE),
    **dict.fromkeys((".xml", ".plist", ".config", ".resx"), _advise("XML", _XML)),
    **dict.fromkeys((".xls", ".xlsx", ".ods", ".numbers"), _advise("a spreadsheet", "Save it as CSV (UTF-8).")),
    **dict.fromkeys((".pem", ".key", ".crt", ".cer", ".p12", ".pfx", ".jks"), _store("a key or a certificate")),
    **dict.fromkeys((".gpg", ".asc"), _GPG),
    ".age": _AGE,
    **dict.fromkeys((".html", ".htm"), _HTML),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z"), _advise("an archive", "Unpack it first.")),
}  # fmt: skip
"""Endings that no format has, but that dotenv files do not have either; --format overrides them."""


def recognize_start(content: bytes) -> KnownAs | None:
    """Recognizes a file by its first bytes."""
    head = content[:512]
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, known in STARTS:
        if head.startswith(start):
            return known
    for start, known in TEXT_STARTS:
        if text.startswith(start.lower()):
            return known
    if len(head) > 3 and not any(head[1::2]) and all(head[::2]):  # noqa: PLR2004  # two characters of UTF-16
        return _pipe("UTF-16 text", "Convert it:", "iconv -f UTF-16LE -t UTF-8 {}")
    return _recognize_binary(content)


def recognize_sections(text: str, source: ForeignSource) -> Recognized | None:
    """Recognizes a file that starts with a section, such as `~/.aws/credentials`, if dotenv was only guessed."""
    is_ini = source.guessed and source.format == "dotenv" and _SECTION.match(text)
    return _INI(source) if is_ini else None


def recognize_ending(name: str) -> KnownAs | None:
    """Recognizes a file by its ending."""
    known = ENDINGS.get(PurePath(name).suffix.lower())
    return known and _add_name_hint(known)


def _add_name_hint(known: KnownAs) -> KnownAs:
    def found(source: ForeignSource) -> Recognized:
        found = known(source)
        return found._replace(what=f"{found.what}, judging by its name", advice=f"{_OTHERWISE} {found.advice}")

    return found


def _recognize_binary(content: bytes) -> KnownAs | None:
    if b"\0" not in content:
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return _store("a binary file")
    return None


_SOPS_ENDINGS = {
    "dotenv": (".env",),
    "json": (".json",),
    "yaml": (".yaml", ".yml"),
    "k8s-secret": (".yaml", ".yml", ".json"),
}
"""The endings by which sops recognizes a format (sops, cmd/sops/formats). It treats other files as binary."""


def _describe_sops_binary(source: ForeignSource) -> Recognized:
    """A binary file, which sops stores as one member of JSON."""
    return Recognized("a file encrypted with sops", DECRYPT, (source.through(f"sops -d {source.file}"),), own_keys=True)


def describe_sops(source: ForeignSource) -> Recognized:
    """A file encrypted with sops. One with sections, or of another format, is printed as JSON."""
    endings = _SOPS_ENDINGS.get(source.format)
    if endings and not (source.name or "").lower().endswith(".ini"):
        kind = "yaml" if source.format == "k8s-secret" else source.format
        is_known = source.name is None or source.name.endswith(endings)
        types = "" if is_known else f"--input-type {kind} --output-type {kind} "
        command = source.through(f"sops -d {types}{source.file}")
    else:
        command = f"sops -d --output-type json {source.file} | {IMPORT} -f json --flatten -"
    return Recognized("a file encrypted with sops", DECRYPT, (command,), own_keys=True)


def _describe_ejson(source: ForeignSource) -> Recognized:
    command = source.through(f"ejson decrypt {source.file} | jq 'del(._public_key)'", "json")
    return Recognized("a file encrypted with ejson", DECRYPT, (command,), own_keys=True)


def _decrypt(what: str, command: str) -> KnownAs:
    return lambda source: Recognized(what, DECRYPT, (source.through(command.format(source.file)),), own_keys=True)


_AT = r"(?m)^(?![ \t]*#\s).*?(?:^|[\s\"'=#])"
"""The start of a value, on a line that is not a comment."""

_PULUMI = (
    f"pulumi config --json --show-secrets | jq 'map_values(.objectValue // .value)' | {IMPORT} -f json --separator : -"
)

MARKERS: tuple[tuple[str, re.Pattern[str], KnownAs], ...] = (
    ("ENC[AES256_GCM,", re.compile(r'\A\s*\{\s*"data":\s*"ENC\[AES256_GCM,[^"]*",\s*"sops":'), _describe_sops_binary),
    (
        "ENC[AES256_GCM,",
        re.compile(
            _AT + r"ENC\[AES256_GCM,data:[^,\]\s]*,iv:[^,\]\s]*,tag:[^,\]\s]*,type:[a-z]+\]"
            r"(?=[ \t]*(?:[\"',\]}#]|\r?$))"
        ),
        describe_sops,
    ),
    (
        "ENC[PKCS7,",
        re.compile(_AT + r"ENC\[PKCS7,[A-Za-z0-9+/=]{16}"),
        _decrypt("a hiera-eyaml file", "eyaml decrypt -e {}"),
    ),
    ("EJ[1:", re.compile(_AT + r"EJ\[1:[A-Za-z0-9+/=]{20,}:[A-Za-z0-9+/=]{20,}:"), _describe_ejson),
    (
        "$ANSIBLE_VAULT;",
        re.compile(r"(?m)!vault\s*\|[-+]?\s*\n\s+\$ANSIBLE_VAULT;"),
        lambda _: Recognized(
            "a file with values encrypted with ansible-vault",
            "Decrypt each value first: ansible-vault decrypts only whole files.", own_keys=True,
        ),
    ),
    (
        "encrypted:",
        re.compile(
            r"(?m)\A(?=(?:.*\n)*?(?:export[ \t]+)?DOTENV_PUBLIC_KEY\w*[ \t]*=)"
            r"(?:.*\n)*?(?:export[ \t]+)?[\w.]+[ \t]*=[ \t]*[\"']?encrypted:"
        ),
        _decrypt("a file encrypted with dotenvx", "dotenvx decrypt --stdout -f {}"),
    ),
    (
        "{cipher}",
        re.compile(r"(?m)^(?![ \t]*#).*[:=][ \t]*[\"']?\{cipher\}[0-9A-Za-z+/=]{32}"),
        lambda _: Recognized(
            "a Spring Cloud Config file with encrypted values", "Decrypt them first.", own_keys=True
        ),
    ),
    (
        "ENC(",
        re.compile(r"(?m)^(?![ \t]*#).*[:=][ \t]*[\"']?ENC\([0-9A-Za-z+/=]{16,}\)[ \t\"',]*$"),
        lambda _: Recognized("a file with values encrypted with Jasypt", "Decrypt them first.", own_keys=True),
    ),
    (
        "DOTENV_VAULT",
        re.compile(r"(?m)^[ \t]*DOTENV_VAULT\w*[ \t]*=[ \t]*[\"']?[0-9A-Za-z+/=]{40}"),
        lambda _: Recognized("a file encrypted with dotenv-vault", "Decrypt it first.", own_keys=True),
    ),
    (
        "secure:",
        re.compile(r"(?m)^(?![ \t]*#).*\bsecure:[ \t]*[\"']?(?:v1:|AAAB)[0-9A-Za-z+/=]{8}"),
        lambda _: Recognized("a Pulumi file with encrypted values", DECRYPT, (_PULUMI,), own_keys=True),
    ),
)  # fmt: skip
"""Encrypted values by tool: a text to search for first, and the full pattern."""


def recognize_marker(text: str) -> KnownAs | None:
    """Recognizes a file by the tool that encrypted its values."""
    return next((known for word, pattern, known in MARKERS if word in text and pattern.search(text)), None)


def guess_encrypted_format(text: str) -> str:
    """The format of an encrypted text from stdin, in which its tool prints the decrypted text."""
    if text.lstrip().startswith("{"):
        return "json"
    return "yaml" if re.search(r"(?m)^[\w.-]+:(?:\s|$)", text) else "dotenv"
