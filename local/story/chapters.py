"""The main job as a story: every step is checked, and the first that fails ends it.

Writers and readers are real: the command line as two people, and functions under their own roles. Requests
are counted by a proxy in front of the local AWS, not by the client itself.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from infra.consumer import Settings
from infra.packaging.platforms import find_local
from local.network.proxy import CountingProxy
from local.people import Person
from local.processes import wait_until
from local.stack import LocalStack, People
from local.story import consumers, example, thieves
from local.story.consumers import Consumer
from local.story.example import EXAMPLE, find_secret_texts, import_arguments
from local.story.teller import StepFailed, Teller, expect
from local.story.terminal import Terminal, variables
from local.story.thieves import invoke_forged

NAMESPACE = "payments.prod"
OTHERS = "orders.prod"
POLL_SECONDS = 2
_PATTERN = "payments.*"
_LONGEST_WAIT = POLL_SECONDS * 5.0


class Scene(NamedTuple):
    """The deployed service, its people, and what the story needs besides."""

    stack: LocalStack
    people: People
    proxy: CountingProxy
    consumer_zip: Path
    scratch: Path

    def shell(self, person: Person) -> Terminal:
        """The person's terminal."""
        return Terminal(variables(self.stack, person, NAMESPACE))


class Listed(NamedTuple):
    """A key of `configsvc list`: its form, and the versions that are active and latest."""

    form: str
    active: str
    latest: str


def tell(teller: Teller, scene: Scene) -> None:
    """Chapters 2 to 5: seal, read, change, steal."""
    seal(teller, scene)
    consumer = read(teller, scene)
    change(teller, scene, consumer)
    steal(teller, scene)


def seal(teller: Teller, scene: Scene) -> None:
    """Grants, a namespace with its data key, and the values of a payments service."""
    admin, developer = scene.shell(scene.people.administrator), scene.shell(scene.people.developer)
    teller.chapter("A developer seals the config of a payments service")
    with teller.step("the administrator grants write to the developer and read to all three API keys") as told:
        grant_everyone(admin, scene.stack, scene.people)
        told.append(_PATTERN)
    with teller.step(f"namespace {NAMESPACE}, with a data key wrapped by KMS"):
        _namespace(admin, scene, NAMESPACE)
    with teller.step(f"configsvc import {EXAMPLE.name}") as told:
        kept, back = _import(developer, scene.scratch)
        forms = [each.form for each in _list_keys(developer).values() if each.active]
        expect(len(forms) >= 30, f"only {len(forms)} keys are served")  # noqa: PLR2004  # what the story promises
        told.append(f"{len(forms) - forms.count('plain')} sealed, {forms.count('plain')} plain")
        told.extend([f"{kept} existed and are unchanged"] if kept else [])
        told.extend([f"{back} deleted keys restored"] if back else [])


def _import(developer: Terminal, scratch: Path) -> tuple[int, int]:
    """Import missing keys and restore deleted ones: how many existed, and how many were restored."""
    known = example.all_keys()
    held = {key: state for key, state in _list_keys(developer).items() if key in known}
    developer.run("import", *import_arguments(scratch, held), "-m", "first import")
    deleted = {key: state.latest for key, state in held.items() if not state.active}
    for key, latest in deleted.items():
        developer.run("activate", key, latest, "-m", "for the story")
    return len(held) - len(deleted), len(deleted)


def grant_everyone(admin: Terminal, stack: LocalStack, people: People) -> None:
    """Let the developer write and everybody's API key read."""
    reader = stack.reader
    admin.run("grant", people.developer.arn, "--action", "write", "--namespace", _PATTERN)
    readers = {reader.identifier: _PATTERN, people.developer.api_key_id: _PATTERN, people.administrator.api_key_id: "*"}
    for api_key, pattern in readers.items():
        admin.run("grant", f"api-key:{api_key}", "--action", "read", "--namespace", pattern)


def _namespace(admin: Terminal, scene: Scene, namespace: str) -> None:
    admin.run("namespace", "create", namespace, "--kms-key", scene.stack.kms_key_arn)


def _list_keys(terminal: Terminal) -> dict[str, Listed]:
    """Return each key as `configsvc list` prints it in a pipe; active is empty if it is not served."""
    rows = (line.split("\t") for line in terminal.run("list").splitlines())
    return {row[0]: Listed(row[1], row[3], row[4]) for row in rows}


def read(teller: Teller, scene: Scene) -> Consumer:
    """A function reads it all, cold."""
    teller.chapter("A function starts and reads all of it")
    with teller.step("deploy examples/consumer: its role allows kms:Decrypt for this namespace, and logging"):
        consumer = _deploy(scene, "payments-consumer", NAMESPACE, teller.progress)
    scene.proxy.reset()
    with teller.step("invoke it cold") as told:
        report = consumer.invoke({})
        expect("entries" in report, f"it answered {json.dumps(report)[:400]}")
        told.append(f"{len(report['entries'])} entries at revision {report['revisions'][NAMESPACE]}")
    with teller.step("requests it made, counted by a proxy") as told:
        counted, wanted = _count_calls(scene.proxy), (1, 1 + _kms_values(scene))
        expect(counted == wanted, f"{counted[0]} HTTP requests and {counted[1]} KMS calls: {scene.proxy.counts}")
        told.append(f"1 HTTP request, {wanted[1]} KMS call{'s, one for each value in kms form' * (wanted[1] > 1)}")
    teller.say(_show_entries(report["entries"]))
    return consumer


def _deploy(scene: Scene, name: str, namespace: str, progress: Callable[[str], None]) -> Consumer:
    path = scene.stack.url.removeprefix(scene.stack.endpoint)
    settings = Settings(
        platform=find_local(),
        url=scene.proxy.url("api") + path,
        api_key=scene.stack.reader.value,
        namespaces=(namespace,),
        kms_key_arn=scene.stack.kms_key_arn,
        poll_seconds=POLL_SECONDS,
        kms_endpoint_url=scene.proxy.url("kms"),
    )
    return consumers.deploy(scene.stack.endpoint, name, scene.consumer_zip, settings, progress)


def _kms_values(scene: Scene) -> int:
    """Count the values that need a separate KMS call: none in the example, some if you tried the AWS CLI."""
    listed = _list_keys(scene.shell(scene.people.developer)).values()
    return sum(1 for each in listed if each.form == "kms" and each.active)


def _count_calls(proxy: CountingProxy) -> tuple[int, int]:
    counts = proxy.counts
    return tuple(sum(n for (to, _), n in counts.items() if to == upstream) for upstream in ("api", "kms"))  # type: ignore[return-value]  # two upstreams, two sums


def _show_entries(entries: dict[str, dict[str, Any]]) -> str:
    rows = [f"{key:<28} {told['type']:<5} {told['bytes']:>7} bytes  {_mask(told)}" for key, told in entries.items()]
    return "\n".join([*rows[:6], f"… and {len(rows) - 6} more"])


def _mask(told: dict[str, Any]) -> str:
    return f"secret {told['shown']}" if told["secret"] else "plain"


def change(teller: Teller, scene: Scene, consumer: Consumer) -> None:
    """One put; the warm function has it within a poll interval."""
    teller.chapter(f"A change reaches the warm function (poll interval {POLL_SECONDS} s here, 60 s by default)")
    developer = scene.shell(scene.people.developer)
    before = consumer.invoke({"key": "db.url"})
    new = example.move_url(developer.run("get", "db.url"))
    with teller.step("configsvc put db.url, the new value on stdin"):
        developer.run("put", "db.url", "-", "-m", "new database host", given=new)
    with teller.step("the same warm function serves it, no deploy") as told:
        arrived = wait_until(lambda: consumer.invoke({"key": "db.url"})["digest"] != before["digest"], _LONGEST_WAIT)
        expect(arrived, f"still the old value after {_LONGEST_WAIT} s")
        after = consumer.invoke({"key": "db.url"})
        told.append(f"revision {before['revisions'][NAMESPACE]} → {after['revisions'][NAMESPACE]}")
        told.append(f"digest {before['digest']} → {after['digest']}")


def steal(teller: Teller, scene: Scene) -> None:
    """Try what a stolen API key gets, and a role of another namespace."""
    teller.chapter("Thieves")
    with teller.step("a stolen API key writes nothing") as told:
        status, _ = _with_key(
            scene.stack, "PUT", "keys/db.url", b'{"form":"plain","content_type":"text/plain","value":"x"}'
        )
        expect(status == 403, f"the answer was {status}")  # noqa: PLR2004  # Forbidden
        told.append("403")
    with teller.step("and reads no secret") as told:
        status, body = _with_key(scene.stack, "GET", "snapshot")
        seen = [key for key, secret in find_secret_texts().items() if secret in body]
        expect(status == 200 and not seen, f"status {status}, in the clear: {seen}")  # noqa: PLR2004  # OK
        told.append(f"{len(body) // 1024} KB of ciphertext, not one of the secrets in it")
    with teller.step("a forged event from the administrator, sent with lambda:InvokeFunction, grants nothing") as told:
        status, body = invoke_forged(
            scene.stack, scene.people.administrator, "PUT", "/v1/grants", principal="api-key:thief"
        )
        expect(status == 403, f"the answer was {status}: {body}")  # noqa: PLR2004  # Forbidden
        told.append("403, and an alarm")
    with teller.step("a cloned repository that names another url receives nothing") as told:
        count = thieves.count_refused(scene.shell(scene.people.developer), scene.scratch, scene.stack.kms_key_arn)
        told.append(f"{count} commands refused until it is trusted")
    with teller.step(f"a function of {OTHERS}, pointed at {NAMESPACE} with the stolen key, opens nothing") as told:
        _namespace_of_others(scene)
        stranger = _deploy(scene, "orders-consumer", OTHERS, teller.progress)
        stranger.point_at(NAMESPACE)
        report = stranger.invoke({"key": "db.password"})
        denied = "AccessDeniedException" in report.get("errorMessage", "")
        expect("digest" not in report and denied, f"it answered {json.dumps(report)[:400]}")
        told.append("KMS answers AccessDenied")


def _namespace_of_others(scene: Scene) -> None:
    _namespace(scene.shell(scene.people.administrator), scene, OTHERS)


def _with_key(stack: LocalStack, method: str, what: str, body: bytes | None = None) -> tuple[int, str]:
    headers = {"x-api-key": stack.reader.value, "content-type": "application/json"}
    request = urllib.request.Request(  # noqa: S310  # a loopback URL of ours
        f"{stack.url}/v1/namespaces/{NAMESPACE}/{what}", data=body, headers=headers, method=method
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise StepFailed(f"the API does not answer: {error}") from error
