"""Where both sides run: fresh processes in the peers' environment, with our client as a zip contains it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.client.cloud import Cloud, namespace_of
from bench.client.wire import serve
from local.paths import ROOT
from tests.support.client.certificates import make_server_context, name_in_folder
from tests.support.client.fakes import KMS_KEY

_PYTHON = ROOT / ".venvs/peers/bin/python"
_SCRIPTS = Path(__file__).with_name("scripts")
_SECONDS = 180
API_KEY = "k" * 40
"""As long as API Gateway's own."""

SIZES = (1, 10, 100, 1000)

_ROOTS = "configsvc_client/_transport/amazon_roots"


class Ground(NamedTuple):
    """The cloud, and the variables that lead both sides to it."""

    cloud: Cloud
    variables: dict[str, str]

    @property
    def roots(self) -> Path:
        """The folder of roots of our packed client."""
        return Path(self.variables["PYTHONPATH"]) / _ROOTS

    def run(self, script: str, *arguments: str, namespace: str = namespace_of(1), told: bytes = b"") -> Any:  # noqa: ANN401  # JSON
        """Run a script in a fresh process and parse the JSON that it prints last.

        Raises:
            RuntimeError: it failed; holds what it wrote.
        """
        return _run_script(
            script, *arguments, variables={**self.variables, "CONFIGSVC_NAMESPACES": namespace}, told=told
        )

    def counted(self, script: str, *arguments: str, namespace: str = namespace_of(1)) -> Counter[str]:
        """Run a script and count what the cloud received."""
        self.cloud.counts.clear()
        self.run(script, *arguments, namespace=namespace)
        return Counter(self.cloud.counts)


@contextmanager
def ground() -> Iterator[Ground]:
    """TLS on loopback under a CA made now. The peers verify with certifi's bundle and that CA, as boto3 does in
    production with certifi's; ours with the folder of Amazon's roots, and that CA in it.
    """  # noqa: D205  # one thought
    with tempfile.TemporaryDirectory(prefix="configsvc-bench-") as made:
        scratch = Path(made)
        variables = {"PATH": os.environ["PATH"], "HOME": made, "PYTHONPATH": str(_pack(scratch))}
        cloud = Cloud(SIZES, _run_script("credstash_items.py", str(max(SIZES)), variables=variables))
        tls = make_server_context(scratch)
        with serve(cloud.answer, tls) as url:
            yield Ground(cloud, {**variables, **_settings(url), **_trust(scratch)})


def versions() -> dict[str, str]:
    """Of everything in the peers' environment."""
    return dict(_run_script("versions.py", variables={"PATH": os.environ["PATH"]}))


def _pack(scratch: Path) -> Path:
    task = scratch / "task"
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "client" / "configsvc_client", task / "configsvc_client", ignore=leave)
    shutil.copytree(ROOT / "configsvc", task / "configsvc", ignore=leave)
    (task / "bench").mkdir()
    for module in ("__init__.py", "measure.py"):
        shutil.copy(ROOT / "bench" / module, task / "bench")
    subprocess.run([_PYTHON, "-m", "compileall", "-q", task], check=True)
    return task


def _settings(url: str) -> dict[str, str]:
    return {
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": url,
        "CONFIGSVC_URL": f"{url}/api",
        "CONFIGSVC_API_KEY": API_KEY,
        "CONFIGSVC_KMS_KEYS": KMS_KEY,
    }


def _trust(scratch: Path) -> dict[str, str]:
    ca = (scratch / "ca.pem").read_bytes()
    theirs, ours = scratch / "certifi.pem", scratch / "task" / _ROOTS / name_in_folder(ca)
    theirs.write_bytes(Path(_run_script("where_certifi.py", variables={"PATH": os.environ["PATH"]})).read_bytes() + ca)
    ours.write_bytes(ca)
    return {"AWS_CA_BUNDLE": str(theirs)}


def _run_script(script: str, *arguments: str, variables: dict[str, str], told: bytes = b"") -> Any:  # noqa: ANN401  # JSON
    command = [str(_PYTHON), "-P", str(_SCRIPTS / script), *arguments]
    home = variables.get("HOME")
    ran = subprocess.run(
        command, cwd=home, env=variables, input=told, capture_output=True, timeout=_SECONDS, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{script} {' '.join(arguments)}: {ran.stdout.decode()}{ran.stderr.decode()}")
    return json.loads(ran.stdout.splitlines()[-1])
