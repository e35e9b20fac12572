"""`make run`: start the local AWS, deploy the service, run the story, then stay until Ctrl-C.

One composition root: everything that runs is started here, and ended here in reverse order.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.consumer import ConsumerError, package_consumer
from infra.deployment.stack import StackFailed
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import PackagingError, package
from local.emulator.launcher import Emulator
from local.emulator.running import keep_note
from local.errors import LocalError, NotReady
from local.network.loopback import LOOPBACK
from local.network.proxy import CountingProxy
from local.paths import ROOT, Places
from local.stack import LocalStack, People, deploy_stack, make_people
from local.story.chapters import NAMESPACE, Scene, tell
from local.story.teller import StepFailed, Teller
from local.story.terminal import COMMANDS, variables, write_environment

PORT = 4580
_EXPECTED = (LocalError, PackagingError, ConsumerError, StackFailed, StepFailed, subprocess.SubprocessError)
_AGAIN = "Its log is {}. `make run` starts it again."


def main(arguments: list[str] | None = None) -> int:
    """Run the story; 0 only if every step passed."""
    asked = _parse(arguments)
    teller, places = Teller(), Places(asked.data)
    teller.title(f"configsvc on a local AWS at {_where(asked.port)}; its data is kept in {_short(places.data)}/")
    for each in (signal.SIGINT, signal.SIGTERM):  # a script's `make run &` begins with the first ignored
        signal.signal(each, _interrupt)
    try:
        with ExitStack() as running:
            emulator = Emulator(port=asked.port, state=places.state, log=places.log)
            scene = _raise_curtain(teller, running, places, emulator)
            tell(teller, scene)
            _close(teller, scene, places, once=asked.once)
            if not asked.once:
                emulator.wait()
                raise NotReady(f"the local AWS stopped by itself. {_AGAIN.format(_short(places.log))}")
    except _EXPECTED as error:
        print(f"\nmake run: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"\nmake run: {error}\n{_AGAIN.format(_short(places.log))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The data is kept: `make run` uses it again, `make reset` deletes it.")
        return 0 if teller.finished else 130
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--once", action="store_true", help="stop after the story")
    parser.add_argument(
        "--port", type=int, default=PORT, help="port of the local AWS; the proxy takes the next two; 0 takes free ports"
    )
    parser.add_argument("--data", type=Path, default=Places().data, help="folder for all data")
    return parser.parse_args(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _raise_curtain(teller: Teller, running: ExitStack, places: Places, emulator: Emulator) -> Scene:
    teller.chapter("The service")
    with teller.step("start the local AWS, IAM enforced"):
        port = emulator.port
        running.enter_context(emulator)
        ports = {"api": port and port + 1, "kms": port and port + 2}
        proxy = running.enter_context(CountingProxy(dict.fromkeys(ports, emulator.url), ports))
        running.enter_context(keep_note(places.running, emulator))
    with teller.step("build the deployment zip and the template, and the consumer's zip") as told:
        built = package(ROOT, ROOT / "build" / "service", find_local())
        consumer = package_consumer(ROOT, ROOT / "build" / "consumer", find_local())
        told.append(f"{built.zip.stat().st_size / 1e6:.1f} MB and {consumer.stat().st_size / 1e6:.1f} MB")
    with teller.step("deploy API Gateway, Lambda, DynamoDB and KMS by CloudFormation"):
        stack = deploy_stack(emulator.url, built, teller.progress)
    with teller.step("create an administrator, a developer and a reader, each with IAM credentials and an API key"):
        people = make_people(stack, "payments.*", "shop.*")
        write_environments(places, stack, people)
    return Scene(stack, people, proxy, consumer, places.data)


def write_environments(places: Places, stack: LocalStack, people: People) -> None:
    """Write the file that each of the three sources."""
    files = (places.administrator, places.environment, places.reader)
    for path, person in zip(files, people, strict=True):
        write_environment(path, variables(stack, person, NAMESPACE), COMMANDS)


def _close(teller: Teller, scene: Scene, places: Places, *, once: bool) -> None:
    teller.finished = True
    teller.title(f"\nEvery step passed.\n\n  {scene.stack.url}")
    if once:
        return
    teller.title(
        f"""
  source {_short(places.environment)}      # you are the developer now; try:
    configsvc list
    configsvc get db.url --reveal
    echo -n 's3cret' | configsvc put db.password -

  source {_short(places.administrator)}   # the administrator, who grants and creates namespaces
  source {_short(places.reader)}  # a function that reads

  docs/WALKTHROUGH.md rehearses everything with the three of them, in your own namespace.
  `make logs` shows what the functions logged. Ctrl-C stops the local AWS; its data is kept."""
    )


def _where(port: int) -> str:
    return f"{LOOPBACK}:{port}" if port else f"a free port of {LOOPBACK}"


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    sys.exit(main())
