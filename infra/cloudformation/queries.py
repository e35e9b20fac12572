"""The Logs Insights queries of the runbooks, saved in the stack as `<stack>/<name>`.

Syntax and functions: CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax". Three habits keep
the queries right whatever type Logs Insights finds in a field: flags that are written only when they are true are asked
for with `ispresent`; members of the access log, which are all text, are matched with `like`; and nothing depends on
null, or on whether a missing field differs from a text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Template = dict[str, Any]  # a dashboard shows queries, and infra.cloudformation.template draws it

REQUESTS, ACCESS, UPKEEP, PROBE = "ApiHandlerLogGroup", "AccessLogGroup", "UpkeepLogGroup", "ProbeLogGroup"
"""Logical ids of log groups: the service's, API Gateway's, and those of the scheduled functions."""

PLACEHOLDERS = ("NAMESPACE", "API_KEY_ID", "CORRELATION_ID")
"""Words to replace in a query before it is run."""


class Query(NamedTuple):
    """A saved query.

    Args:
        name: after the stack's name.
        about: the question that it answers.
        log: the logical id of its log group.
        text: in the Logs Insights query language.
    """

    name: str
    about: str
    log: str
    text: str


_OF_NAMESPACE = "namespace like /(^|,)NAMESPACE(,|$)/"
_WRITES = 'method in ["PUT", "POST", "DELETE"]'
_SEEN = "count(*) as requests, earliest(@timestamp) as first_seen, latest(@timestamp) as last_seen"
_SINCE = "earliest(@timestamp) as since, latest(@timestamp) as last_seen, count(*) as requests"
_NEWEST = "sort @timestamp desc"
# Lambda's own lines, which are not JSON: a timeout, a process that ended, a module or handler that does not load.
_CRASHED = "not ispresent(level) and @message like /Task timed out|Status: (timeout|error)|Runtime exited|^\\[ERROR\\]/"


def _join(*commands: str) -> str:
    return "\n| ".join(commands)


def _ask_for_crashes(name: str, about: str, log: str) -> Query:
    return Query(name, about, log, _join(f"filter {_CRASHED}", "fields @timestamp, @message", _NEWEST, "limit 100"))


_OF_REQUESTS = (
    Query("errors", "What failed, and where in the code?", REQUESTS, _join(
        'filter level = "error"',
        "fields @timestamp, status, code, fault, causes.0, detail, route, namespace, version, correlation_id",
        _NEWEST, "limit 100",
    )),
    _ask_for_crashes("crashes", "What did Lambda say of a timeout, a crash, or a start that failed?", REQUESTS),
    Query("request", "What happened to the request with this correlation id?", REQUESTS, _join(
        'filter correlation_id = "CORRELATION_ID" or request_id = "CORRELATION_ID"',
        "fields @timestamp, level, method, route, namespace, status, code, principal, source_ip, user_agent",
        "sort @timestamp asc", "limit 100",
    )),
    Query("who-read", "Who read the namespace?", REQUESTS, _join(
        f'filter method = "GET" and status < 400 and {_OF_NAMESPACE}',
        f"stats {_SEEN} by namespace, route, principal, api_key, source_ip, user_agent",
        "sort last_seen desc", "limit 10000",
    )),
    Query("who-wrote", "Who wrote to the namespace, or tried to?", REQUESTS, _join(
        f"filter {_WRITES} and {_OF_NAMESPACE}",
        "fields @timestamp, status, code, method, route, revision, principal, source_ip, user_agent, correlation_id",
        _NEWEST, "limit 10000",
    )),
    Query("changes", "What was changed, in all namespaces?", REQUESTS, _join(
        f'filter {_WRITES} and status < 400 and route != "/v1/whoami"',
        "fields @timestamp, namespace, method, route, revision, principal, source_ip, correlation_id",
        _NEWEST, "limit 10000",
    )),
    Query("key-read", "What did this API key read or write?", REQUESTS, _join(
        'filter api_key = "api-key:API_KEY_ID"',
        f"stats {_SEEN} by method, route, namespace, status, principal, source_ip, user_agent",
        "sort last_seen desc", "limit 10000",
    )),
    Query("forbidden", "Who lacks which grant?", REQUESTS, _join(
        "filter ispresent(denied)",
        f"stats {_SEEN} by principal, namespace, route, method, status, api_key, source_ip",
        "sort requests desc", "limit 10000",
    )),
    Query("failing-readers", "Whose polls fail, and since when?", REQUESTS, _join(
        'filter method = "GET" and route like /snapshots?$/ and status >= 400 and not ispresent(unproven)',
        f"stats {_SINCE} by principal, namespace, status, code",
        "sort since asc", "limit 10000",
    )),
    Query("contended", "Where do concurrent writes get in each other's way?", REQUESTS, _join(
        'filter code = "contended"',
        f"stats {_SEEN} by namespace, principal",
        "sort requests desc", "limit 10000",
    )),
    Query("unproven", "What was tried without the gateway's proof?", REQUESTS, _join(
        "filter ispresent(unproven)",
        "fields @timestamp, request_id, method, route, status",
        _NEWEST, "limit 10000",
    )),
    Query("slow", "Which requests took longer than a second?", REQUESTS, _join(
        "filter duration_ms > 1000",
        "fields @timestamp, duration_ms, cold_start, method, route, namespace, status, principal, correlation_id",
        "sort duration_ms desc", "limit 100",
    )),
    Query("cold-starts", "How many cold starts were there, and how long was their first request?", REQUESTS, _join(
        "filter ispresent(ColdStarts)",
        "stats count(*) as cold_starts, pct(duration_ms, 50) as p50_ms, max(duration_ms) as max_ms by bin(5m) as time",
        "sort time asc",
    )),
    Query("revisions", "Which revision does each namespace serve?", REQUESTS, _join(
        "filter revision > 0 and namespace like /./",
        "stats max(revision) as newest, latest(@timestamp) as last_seen by namespace",
        "sort namespace asc",
    )),
)  # fmt: skip
_OF_ACCESS = (
    Query("who-polled", "Who read the namespace, unchanged polls included?", ACCESS, _join(
        'filter method = "GET" and status like /^[23]/'
        ' and (path like /\\/namespaces\\/NAMESPACE(\\/|$)/ or path like /%/ or route = "/v1/snapshots")',
        f"stats {_SEEN} by route, api_key, principal, source_ip, vpc_endpoint, user_agent",
        "sort last_seen desc", "limit 10000",
    )),
    Query("key-use", "Is this API key still used, by whom, and is it refused?", ACCESS, _join(
        'filter api_key = "API_KEY_ID"',
        f"stats {_SEEN} by status, refused, principal, source_ip, vpc_endpoint, user_agent",
        "sort last_seen desc", "limit 10000",
    )),
    Query("keys-in-use", "Which API keys are used, and when were they used last?", ACCESS, _join(
        "filter api_key like /^[A-Za-z0-9]/",
        f"stats {_SEEN}, count_distinct(source_ip) as addresses by api_key",
        "sort last_seen desc", "limit 10000",
    )),
    Query("gateway-refusals", "What did API Gateway itself refuse, so that the service never saw it?", ACCESS, _join(
        "filter refused like /^[A-Z]/",
        f"stats {_SEEN} by status, refused, fault, waf, api_key, principal, source_ip, user_agent",
        "sort requests desc", "limit 10000",
    )),
    Query("refused-readers", "Whose polls does API Gateway itself refuse, and since when?", ACCESS, _join(
        'filter method = "GET" and path like /\\/snapshots?$/ and refused like /^[A-Z]/',
        f"stats {_SINCE} by refused, api_key, source_ip",
        "sort since asc", "limit 10000",
    )),
    Query("throttled", "Who is over a throttle or a quota?", ACCESS, _join(
        "filter status like /^429/",
        f"stats {_SEEN} by api_key, refused, source_ip, user_agent",
        "sort requests desc", "limit 10000",
    )),
    Query("broken-lines", "Which lines of the access log are not JSON?", ACCESS, _join(
        "filter not ispresent(status)", "fields @timestamp, @message", _NEWEST, "limit 100",
    )),
)  # fmt: skip
_OF_SCHEDULES = (
    Query("upkeep", "What did each run of upkeep do, and how much is due?", UPKEEP, _join(
        'filter task = "upkeep" and ispresent(rotation_due)',
        "fields @timestamp, level, namespaces, skipped, log_pruned, keys_purged, versions_pruned, rotation_due, "
        "rotation_overdue, data_keys_due",
        _NEWEST, "limit 100",
    )),
    Query("upkeep-failures", "Which namespaces could upkeep not finish, and why?", UPKEEP, _join(
        'filter level = "error"',
        "fields @timestamp, task, namespace, code, fault, causes.0, detail",
        _NEWEST, "limit 100",
    )),
    _ask_for_crashes("upkeep-crashes", "What did Lambda say when upkeep or the heartbeat failed?", UPKEEP),
    Query("probe-failures", "What did the probe see when it failed?", PROBE, _join(
        "filter ProbeFailed > 0",
        "fields @timestamp, code, detail, revision, ProbeAge, ProbeDuration, CertificateDays",
        _NEWEST, "limit 100",
    )),
    _ask_for_crashes("probe-crashes", "What did Lambda say when the probe did not run?", PROBE),
)  # fmt: skip

QUERIES = (*_OF_REQUESTS, *_OF_ACCESS, *_OF_SCHEDULES)
"""All of them, in the order of docs/OPERATIONS.md."""


def add(template: Template) -> None:
    """Save each query whose log group the template has."""
    for query in QUERIES:
        if query.log in template["Resources"]:
            template["Resources"][_logical_id(query)] = _definition(query)


def for_dashboard(name: str) -> str:
    """The query as a log widget takes it, inside `Fn::Sub`.

    Raises:
        KeyError: no query has that name.
    """
    query = {each.name: each for each in QUERIES}[name]
    return f"SOURCE '${{{query.log}}}' | {query.text}"


def _definition(query: Query) -> Template:
    properties = {
        "Name": {"Fn::Sub": f"${{AWS::StackName}}/{query.name}"},
        "LogGroupNames": [{"Ref": query.log}],
        "QueryString": query.text,
    }
    return {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}


def _logical_id(query: Query) -> str:
    return "Query" + query.name.title().replace("-", "")
