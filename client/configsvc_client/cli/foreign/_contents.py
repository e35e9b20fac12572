"""Files known by how they begin, by their first line, or by their ending."""

from __future__ import annotations

import re
from pathlib import PurePath

from configsvc_client.cli.foreign._source import DECRYPT, Found, Known, Source


def _refused(what: str, advice: str) -> Known:
    return lambda _: Found(what, advice)


def _through(what: str, advice: str, command: str) -> Known:
    """The command has `{}` for the file."""
    return lambda source: Found(what, advice, (source.through(command.format(source.file)),))


def _value(what: str) -> Known:
    return lambda source: Found(
        what, "It is one value, not keys and values. Store it under a key:", (f"configsvc put KEY @{source.file}",)
    )


_COMPRESSED = "Decompress it on the way:"
_AGE = _through("a file that age has encrypted", DECRYPT, "age -d -i IDENTITY {}")
_GPG = _through("a file that gpg has encrypted", DECRYPT, "gpg -d {}")
_HTML = _refused("an HTML page", "It may be the page that asks to sign in. Get the file itself.")
_XML = "Import reads no XML. Convert it to JSON, YAML or CSV first."

STARTS: tuple[tuple[bytes, Known], ...] = (
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

TEXT_STARTS: tuple[tuple[bytes, Known], ...] = (
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

ENDINGS: dict[str, Known] = {
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


def by_start(content: bytes) -> Known | None:
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


def by_sections(text: str, source: Source) -> Found | None:
    """A file that begins with a section, such as `~/.aws/credentials`, where only the ending says that it is dotenv."""
    is_ini = source.guessed and source.format == "dotenv" and _SECTION.match(text)
    return _INI(source) if is_ini else None


def by_ending(name: str) -> Known | None:
    """What a file is by its ending."""
    known = ENDINGS.get(PurePath(name).suffix.lower())
    return known and _by_name_alone(known)


def _by_name_alone(known: Known) -> Known:
    def found(source: Source) -> Found:
        found = known(source)
        return found._replace(what=f"{found.what} by its name", advice=f"{_OTHERWISE} {found.advice}")

    return found


def _binary(content: bytes) -> Known | None:
    if b"\0" not in content:
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return _value("a binary file")
    return None
