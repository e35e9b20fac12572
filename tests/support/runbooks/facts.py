"""The stand of an operator, and what is true of it, asked without the operator's shell."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model.names import parse_namespace
from configsvc.service.engine import records
from configsvc.service.engine.ports import Write
from configsvc.service.engine.records import Head
from infra.packaging.service_zip import REGION
from infra.stage_rules import name_pattern
from local.clients import make_client_arguments
from local.people import ApiKey, Person, make_api_key, make_person
from local.processes import wait_until
from local.story.terminal import Terminal, variables
from tests.support.client.certificates import make_server_context
from tests.support.journeys.api import Api
from tests.support.journeys.sealing import plain
from tests.support.local.aws_people import assume_role, kms, may_decrypt, new_role
from tests.support.runbooks.stand import NAMESPACE, Shell, Stand

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

NEW_VALUE = "canary-new"
_LOG_SECONDS = 20.0
_PATH = f"/v1/namespaces/{NAMESPACE}"


class World(Stand):
    """A stand with facts."""

    @property
    def kms(self) -> KMSClient:
        """KMS, for whoever may do everything."""
        return kms(self.stack.endpoint)

    @property
    def _admin(self) -> Terminal:
        return Terminal(variables(self.stack, self.people.administrator, NAMESPACE))

    def follow(
        self, title: str, assigned: dict[str, str], *, value: str = "", without: Collection[str] = (),
        before: dict[str, Callable[..., object]] | None = None, editing: Callable[[str], str] | None = None,
    ) -> str:  # fmt: skip
        """Play a runbook whose file with the new value is there; `value` is a key that exists before."""
        (self.clone / "new-password").write_text(NEW_VALUE)
        if value:
            self._admin.run("put", value, "-", given="canary-old")
        return self.play(title, assigned, before=before or {}, without=without, editing=editing)

    def api_key(self, name: str, *, grant: bool = False) -> ApiKey:
        """The API key of that name."""
        client = boto3.client("apigateway", **make_client_arguments(self.stack.endpoint))
        key = make_api_key(client, self.stack.usage_plan, name)
        if grant:
            self._admin.run("grant", f"api-key:{key.identifier}", "--action", "read", "--namespace", "payments.*")
        return key

    def read_with(self, key: ApiKey) -> int:
        """The status of a read."""
        return Api(self.stack.url, REGION).send("GET", f"{_PATH}/snapshot", key).status

    def value(self, key: str, *, keys: str = "") -> str:
        """The value that the administrator opens now; `keys` are KMS keys, if not the stack's first one."""
        held = variables(self.stack, self.people.administrator, NAMESPACE)
        return Terminal(held | ({"CONFIGSVC_KMS_KEYS": keys} if keys else {})).run("get", key, "--reveal").strip()

    def revision(self) -> int:
        """That of the namespace."""
        reply = Api(self.stack.url, REGION).send("GET", f"{_PATH}/snapshot", self.people.administrator)
        return int(reply.json()["revision"])

    def reader_role(self) -> str:
        """The name of a new role that may open the namespace."""
        return new_role(self.stack.endpoint, may_decrypt(NAMESPACE)).rpartition("/")[2]

    def opens(self, role: str) -> bool:
        """Whether KMS does for the role what a reader asks of it."""
        iam = boto3.client("iam", **make_client_arguments(self.stack.endpoint))
        held = assume_role(self.stack.endpoint, iam.get_role(RoleName=role)["Role"]["Arn"])
        context = {"configsvc:namespace": NAMESPACE}
        try:
            kms(self.stack.endpoint, held).generate_data_key(
                KeyId=self.stack.kms_key_arn, KeySpec="AES_256", EncryptionContext=context
            )
        except ClientError as error:
            if "AccessDenied" not in str(error):
                raise
            return False
        return True

    def writer(self, name: str) -> Person:
        """A new person who may read and write the namespace."""
        arguments = make_client_arguments(self.stack.endpoint)
        policy = self.stack.policies[f"WriterOf{name_pattern('payments.*')}"]
        clients = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
        made = make_person(*clients, self.stack.usage_plan, name, policies=[policy])
        self._admin.run("grant", made.arn, "--action", "write", "--namespace", "payments.*")
        self._admin.run("grant", f"api-key:{made.api_key_id}", "--action", "read", "--namespace", "payments.*")
        return made

    def write_as(self, who: Person, text: str) -> int:
        """The status of a write to `log.level`."""
        return Api(self.stack.url, REGION).send("PUT", f"{_PATH}/keys/log.level", who, plain(text)).status

    def raise_revision(self, revision: int) -> None:
        """Do what somebody who may write the table does: HEAD with another revision."""
        client = boto3.client("dynamodb", **make_client_arguments(self.stack.endpoint))
        table, at = DynamoRepository(client, self.stack.table), records.head(parse_namespace(NAMESPACE))
        head = table.get([at])[at]
        assert isinstance(head, Head)
        table.commit([Write(head._replace(revision=revision, served=revision, tag="e" * 16), head.revision)])

    def await_unproven(self, _: Shell) -> None:
        """Wait until the function's log has a line without the gateway's proof."""
        logs = boto3.client("logs", **make_client_arguments(self.stack.endpoint))
        group = self.stack.log_group
        assert wait_until(lambda: "unproven" in str(logs.filter_log_events(logGroupName=group)["events"]), _LOG_SECONDS)

    def log_level(self) -> str:
        """The log level of the version that serves."""
        client = boto3.client("lambda", **make_client_arguments(self.stack.endpoint))
        found = client.get_function_configuration(FunctionName=self.stack.function, Qualifier="live")
        return found["Environment"]["Variables"]["CONFIGSVC_LOG_LEVEL"].lower()


@contextmanager
def serve_tls(folder: Path) -> Iterator[int]:
    """A TLS server on loopback for `localhost`, whose certificate nobody trusts; yields its port."""
    context = make_server_context(folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, context), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True) as held:
                held.recv(1)
        except OSError:
            if server.fileno() < 0:
                return
