"""API Gateway's own answers, as problems of our tree (RFC 9457).

Types and their statuses: AWS, "Gateway response types for API Gateway". API Gateway takes the `application/json`
template whatever the request accepts, so the content type is set as a header. `gateway` names the type, so that a
client need not guess why it was refused.

The gateway's own message is passed on for ACCESS_DENIED alone, where it names the identity, the resource and the kind
of policy. That of INVALID_SIGNATURE quotes every signed header: the API key and the session token with them.
"""

from __future__ import annotations

import json

from configsvc.model import errors

REQUEST_ID = "$context.requestId"
_MESSAGE = "$context.error.messageString"  # with its quotes
_RESPONSE_TYPE = "$context.error.responseType"
_UNSIGNED = errors.Forbidden(
    "There is no such route or method at this stage, or the route takes a signature (SigV4, service execute-api) and "
    "the request has none. Check the URL first: it ends with the stage, without /v1."
)
_SIGNATURE = errors.Forbidden(
    "The signature is not valid. Check the AWS credentials, the region that was signed for, and the clock: it may be "
    "off by 5 minutes at most. A query is signed with its parameters in the order of their names, whatever order they "
    "are sent in."
)
_BROKEN = errors.Internal("API Gateway could not run the service. Try again; the request id finds it in the logs.")
_SLOW = errors.Unavailable("The service did not answer in time. Repeat it with the same Idempotency-Key.")

PROBLEMS: dict[str, errors.ConfigsvcError] = {
    "ACCESS_DENIED": errors.Forbidden(
        "IAM does not allow this identity execute-api:Invoke on the route. `configsvc iam-policy` prints the policy."
    ),
    "API_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_FAILURE": _BROKEN,
    "BAD_REQUEST_BODY": errors.InvalidRequest("The body is not what the route takes."),
    "BAD_REQUEST_PARAMETERS": errors.InvalidRequest("A parameter is not what the route takes."),
    "EXPIRED_TOKEN": errors.Forbidden("The AWS credentials have expired. Get new ones, then try again."),
    "INTEGRATION_FAILURE": _SLOW,
    "INTEGRATION_TIMEOUT": _SLOW,
    "INVALID_API_KEY": errors.Forbidden(
        "The API key in x-api-key is missing, unknown, disabled, or in no usage plan of this stage. Send the value of "
        "a key, not its id."
    ),
    "INVALID_SIGNATURE": _SIGNATURE,
    "MISSING_AUTHENTICATION_TOKEN": _UNSIGNED,
    "QUOTA_EXCEEDED": errors.Throttled(
        "This API key has used up its quota for today: quota_per_day of [reader] or of its group in the stage file."
    ),
    "REQUEST_TOO_LARGE": errors.TooLarge(
        "API Gateway takes at most 10 MB, and a request here has at most 2 MiB. Split it, or put large values in S3 "
        "and store their addresses."
    ),
    "RESOURCE_NOT_FOUND": errors.NotFound("There is no such route."),
    "THROTTLED": errors.Throttled("Too many requests: wait, then try again."),
    "UNAUTHORIZED": errors.Forbidden("The request carries no identity that this API knows."),
    "UNSUPPORTED_MEDIA_TYPE": errors.UnsupportedMediaType("Send application/json."),
    "WAF_FILTERED": errors.Forbidden(
        "A web application firewall (AWS WAF) in front of the API refused the request. Ask the people who manage it."
    ),
}
# Catch-alls: API Gateway keeps the status of what happened, so the body names none.
CATCH_ALLS: dict[str, errors.ConfigsvcError] = {
    "DEFAULT_4XX": errors.Forbidden(
        "API Gateway refused the request: check the API key, the AWS credentials and the route."
    ),
    "DEFAULT_5XX": _BROKEN,
}
_SECONDS = {"QUOTA_EXCEEDED": 3600}  # it starts over each day, so a try an hour loses little


def problem_body(kind: str, request_id: str, message: str | None = None) -> dict[str, object]:
    """The body of a gateway response of that type.

    Args:
        kind: a type of `PROBLEMS` or `CATCH_ALLS`.
        request_id: the request's.
        message: the gateway's own, for ACCESS_DENIED.
    """
    body = errors.to_problem(PROBLEMS[kind] if kind in PROBLEMS else CATCH_ALLS[kind], request_id)
    if kind in CATCH_ALLS:  # the gateway keeps the status of what happened
        del body["status"]
    return body | {"gateway": kind} | ({"gateway_message": message} if kind == "ACCESS_DENIED" else {})


def gateway_responses() -> dict[str, dict[str, object]]:
    """The value of `x-amazon-apigateway-gateway-responses` in the API's body, by response type."""
    return {kind: _response(kind, problem) for kind, problem in {**PROBLEMS, **CATCH_ALLS}.items()}


def gateway_headers(kind: str) -> dict[str, str]:
    """The headers of a gateway response of that type.

    Every 5xx says when to come back, the catch-all too: it is what API Gateway answers where Lambda did not run the
    function, because it was above its reserved concurrency or was ended by its timeout.
    """
    problem = PROBLEMS.get(kind) or CATCH_ALLS[kind]
    headers = {"Content-Type": "application/problem+json"}
    if errors.has_retry_after(problem.status):
        headers["Retry-After"] = str(_SECONDS.get(kind, 1))
    return headers


def _response(kind: str, problem: errors.ConfigsvcError) -> dict[str, object]:
    headers = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in gateway_headers(kind).items()}
    response: dict[str, object] = {"responseParameters": headers}
    if kind in PROBLEMS:
        response["statusCode"] = str(problem.status)
    return response | {"responseTemplates": {"application/json": _template(kind)}}


def _template(kind: str) -> str:
    body = problem_body(kind, REQUEST_ID, _MESSAGE)
    if kind in CATCH_ALLS:
        body["gateway"] = _RESPONSE_TYPE
    return json.dumps(body).replace(f'"{_MESSAGE}"', _MESSAGE)
