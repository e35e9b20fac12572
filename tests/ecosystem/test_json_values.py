"""Libraries that accept our JSON values, and those that need an ordinary copy: the table in docs/CLIENT.md by row."""

from __future__ import annotations

import json
import logging.config
import marshal
import os
import plistlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import botocore.session
import pydantic
import pytest
import yaml
from boto3.dynamodb.types import TypeSerializer
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber

from configsvc_client.testing import FakeService

jsonschema = pytest.importorskip("jsonschema")
requests = pytest.importorskip("requests")
simplejson = pytest.importorskip("simplejson")

ROOT = Path(__file__).parents[2]
MEMBERS = {"hosts": ["c", {"port": 1}], "ports": [3, 1], "labels": {"a": "1"}, "name": "x"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"default": {"format": "%(levelname)s %(message)s"}},
    "handlers": {"to_stderr": {"class": "logging.StreamHandler", "formatter": "default", "filters": []}},
    "loggers": {"configsvc.test.of.json.values": {"handlers": ["to_stderr"], "propagate": False}},
}


@pytest.fixture
def it(configsvc_fake: FakeService) -> Any:  # noqa: ANN401  # any JSON
    configsvc_fake.put_all({"members": MEMBERS, "logging": LOGGING})
    return configsvc_fake.config()


class _Limits(pydantic.BaseModel):
    hosts: list[Any]
    ports: list[int]


def _sent(given: Any) -> bytes:  # noqa: ANN401  # any JSON
    """The body of a botocore call with nested parameters."""
    session = botocore.session.Session()
    session.set_credentials("an-id", "a-secret")
    client: Any = session.create_client("lambda", region_name="eu-central-1")
    bodies = list[bytes]()

    def answer(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401  # botocore's
        bodies.append(request.body)
        return AWSResponse("http://127.0.0.1", 200, HTTPHeaders(), _Empty())

    client.meta.events.register("before-send.lambda", answer)
    client.update_function_configuration(FunctionName="f", Environment={"Variables": given["labels"]}, Layers=["a"])
    return bodies[0]


class _Empty:
    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [b"{}"]


def _put(given: Any) -> object:  # noqa: ANN401  # any JSON
    table = boto3.resource(
        "dynamodb", region_name="eu-central-1", aws_access_key_id="an-id", aws_secret_access_key="a-secret"
    ).Table("t")
    with Stubber(table.meta.client) as stub:
        stub.add_response("put_item", {}, {"TableName": "t", "Item": MEMBERS})
        return table.put_item(Item=given)


def _request(given: Any) -> object:  # noqa: ANN401  # any JSON
    made = requests.Request("POST", "http://127.0.0.1", headers=given["labels"], params=given["labels"], json=given)
    sent = made.prepare()
    return sent.url, dict(sent.headers), sent.body


TAKEN: dict[str, Callable[[Any], object]] = {
    "json.dumps": lambda it: json.dumps(it, indent=1, sort_keys=True),
    "simplejson.dumps": lambda it: simplejson.dumps(it, sort_keys=True),
    "botocore": _sent,
    "boto3 resource": _put,
    "TypeSerializer": lambda it: TypeSerializer().serialize(it),
    "jsonschema.validate": lambda it: jsonschema.validate(it, {"type": "object", "required": ["hosts"]}),
    "jsonschema of a schema": lambda it: [*jsonschema.Draft202012Validator(it).iter_errors(1)],
    "pydantic TypeAdapter": lambda it: pydantic.TypeAdapter(dict[str, Any]).validate_python(it, strict=True),
    "pydantic model": lambda it: _Limits.model_validate(it, strict=True).model_dump_json(),
    "requests": _request,
    "urlencode": lambda it: urlencode(it, doseq=True),
    "plistlib": plistlib.dumps,
    "format_map": "{name}".format_map,
    "**": lambda it: dict(**it),
    "subprocess": lambda it: subprocess.run(["env"], env=it["labels"], capture_output=True, check=True).stdout,  # noqa: S607  # of the system
}  # fmt: skip


@pytest.mark.parametrize("use", TAKEN.values(), ids=TAKEN)
def test_values_are_accepted_and_not_modified(it: Any, use: Callable[[Any], object]) -> None:  # noqa: ANN401  # a Config
    assert use(it["members"]) == use(json.loads(json.dumps(MEMBERS)))
    assert it["members"] == MEMBERS


COPIED: dict[str, tuple[Callable[[Any], object], type[Exception]]] = {
    "yaml.safe_dump": (yaml.safe_dump, yaml.representer.RepresenterError),
    "yaml.CSafeDumper": (lambda it: yaml.dump(it, Dumper=yaml.CSafeDumper), yaml.representer.RepresenterError),
    "marshal": (lambda it: marshal.loads(marshal.dumps(it)), ValueError),  # noqa: S302  # ours
    "code that fills in defaults": (lambda it: it.setdefault("timeout", 5), TypeError),
}


@pytest.mark.parametrize(("use", "error"), COPIED.values(), ids=COPIED)
def test_it_wants_an_ordinary_copy(it: Any, use: Callable[[Any], object], error: type[Exception]) -> None:  # noqa: ANN401  # a Config
    with pytest.raises(error):
        use(it["members"])
    for ordinary in (it["members"].plain(), it.get("members", as_=dict)):
        assert use(ordinary) == use(json.loads(json.dumps(MEMBERS)))
    assert it["members"] == MEMBERS


def test_yaml_reads_back_what_it_wrote_of_an_ordinary_copy(it: Any) -> None:  # noqa: ANN401  # a Config
    assert yaml.safe_load(yaml.safe_dump(it["members"].plain())) == MEMBERS


def test_logging_accepts_it_and_a_server_that_changes_it_needs_a_copy(it: Any) -> None:  # noqa: ANN401  # a Config
    def as_uvicorn_does(log_config: Any) -> None:  # noqa: ANN401  # uvicorn's
        """`uvicorn.Config(…, log_config=…, use_colors=False).configure_logging()`."""
        log_config["formatters"]["default"]["use_colors"] = False
        log_config["formatters"]["default"].pop("use_colors")  # accepted by its own formatter, but not by logging's
        logging.config.dictConfig(log_config)

    logging.config.dictConfig(it["logging"])
    assert it["logging"] == LOGGING
    with pytest.raises(TypeError, match=r"value\.plain\(\)"):
        as_uvicorn_does(it["logging"])
    as_uvicorn_does(it["logging"].plain())
    assert it["logging"] == LOGGING
    for handler in logging.getLogger("configsvc.test.of.json.values").handlers[:]:
        logging.getLogger("configsvc.test.of.json.values").removeHandler(handler)


ELSEWHERE = """
import json, sys
import flask, jinja2, msgpack, requests
from configsvc_client._opening.frozen import freeze
members = json.loads(sys.argv[1])
it = freeze(members)
assert flask.Config(".", {}).from_mapping({"LIMITS": it})
app = flask.Flask("a")
with app.app_context():
    assert flask.jsonify(it).get_json() == members
assert jinja2.Template("{{ labels.a }}{% for each in ports %}{{ each }}{% endfor %}").render(it) == "131"
assert msgpack.unpackb(msgpack.packb(it)) == members
try:
    msgpack.packb(it, strict_types=True)
except TypeError:
    assert msgpack.packb(it.plain(), strict_types=True) == msgpack.packb(it)
else:
    raise AssertionError
assert it == members
print("all of them")
"""


@pytest.mark.slow
def test_flask_jinja_and_msgpack_take_it() -> None:
    """The interpreter of the environment that has them."""
    python = ROOT / ".venvs" / "load" / "bin" / "python"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
    done = subprocess.run(
        [str(python), "-c", ELSEWHERE, json.dumps(MEMBERS)],
        env=environ, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout == "all of them\n", done.stderr
