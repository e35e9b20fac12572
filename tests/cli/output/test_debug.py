from __future__ import annotations

import re

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-77bd01"
_LINE = re.compile(r"configsvc: (GET|PUT|POST) (\S+) (\d{3}|no answer)( \d+ ms)( \S+)?")


def test_debug_logs_requests_without_values_headers_or_queries(shell: Shell, service: Loopback, namespace: str) -> None:
    done = shell.run("put", "db.password", "-", "--debug", given=CANARY)
    lines = [found for line in done.err.splitlines() if (found := _LINE.fullmatch(line))]
    assert [(found[1], found[2], found[3]) for found in lines] == [
        ("GET", f"/api/v1/namespaces/{namespace}/keys/db.password", "404"),
        ("GET", f"/api/v1/namespaces/{namespace}/keys", "200"),
        ("GET", f"/api/v1/namespaces/{namespace}/data-keys", "200"),
        ("POST", "kms:Decrypt", "200"),
        ("PUT", f"/api/v1/namespaces/{namespace}/keys/db.password", "201"),
    ]
    assert lines[-1][5].strip() in service.log.getvalue()
    told = shell.run("get", "db.password", "--debug").err
    for hidden in (CANARY, shell.environ["CONFIGSVC_API_KEY"], "AKIA", "Signature", "prefix=", "?"):
        assert hidden not in done.err + told


def test_debug_logs_an_unanswered_request(shell: Shell) -> None:
    done = shell.but(CONFIGSVC_URL="http://127.0.0.1:9/api").run("--debug", "list")
    assert (done.code, "no answer" in done.err) == (6, True)
