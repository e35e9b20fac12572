"""The answers that API Gateway makes itself, as problems of our own tree (RFC 9457).

Types and their statuses: AWS, "Gateway response types for API Gateway". API Gateway takes the `application/json`
template whatever the request accepts, so the content type is set as a header.
"""

from __future__ import annotations

import json

from configsvc.model import errors

REQUEST_ID = "$context.requestId"
_UNSIGNED = errors.Forbidden(
    "There is no such route, or it is a write and not signed: sign it with SigV4, service execute-api."
)
_SIGNATURE = errors.Forbidden("The signature does not match: check the credentials, the region and the clock.")
_BROKEN = errors.Internal("API Gateway could not run the service. Try again; the request id finds it in the logs.")
_SLOW = errors.Unavailable("The service did not answer in time. Repeat it with the same Idempotency-Key.")

PROBLEMS: dict[str, errors.ConfigsvcError] = {
    "ACCESS_DENIED": errors.Forbidden("This IAM identity may not call the route: allow it execute-api:Invoke."),
    "API_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_FAILURE": _BROKEN,
    "BAD_REQUEST_BODY": errors.InvalidRequest("The body is not what the route takes."),
    "BAD_REQUEST_PARAMETERS": errors.InvalidRequest("A parameter is not what the route takes."),
    "EXPIRED_TOKEN": errors.Forbidden("The credentials have expired: get new ones and sign again."),
    "INTEGRATION_FAILURE": _SLOW,
    "INTEGRATION_TIMEOUT": _SLOW,
    "INVALID_API_KEY": errors.Forbidden("Send a valid API key of this API in x-api-key."),
    "INVALID_SIGNATURE": _SIGNATURE,
    "MISSING_AUTHENTICATION_TOKEN": _UNSIGNED,
    "QUOTA_EXCEEDED": errors.Throttled("The quota of this API key is used up for today."),
    "REQUEST_TOO_LARGE": errors.TooLarge("API Gateway takes at most 10 MB; a request here has at most 2 MiB."),
    "RESOURCE_NOT_FOUND": errors.NotFound("There is no such route."),
    "THROTTLED": errors.Throttled("Too many requests: wait, then try again."),
    "UNAUTHORIZED": errors.Forbidden("The request carries no identity that this API knows."),
    "UNSUPPORTED_MEDIA_TYPE": errors.UnsupportedMediaType("Send application/json."),
    "WAF_FILTERED": errors.Forbidden("The request was refused by the firewall in front of the API."),
}
# Catch-alls: API Gateway keeps the status of what happened, so the body names none.
CATCH_ALLS: dict[str, errors.ConfigsvcError] = {
    "DEFAULT_4XX": errors.Forbidden("The request was refused: check the API key, the signature and the route."),
    "DEFAULT_5XX": _BROKEN,
}
_RETRY_AFTER = frozenset({errors.Throttled.status, errors.Unavailable.status})
_SECONDS = {"QUOTA_EXCEEDED": 3600}  # it begins anew with the day; who comes back by the hour has lost little


def gateway_responses() -> dict[str, dict[str, object]]:
    """The value of `x-amazon-apigateway-gateway-responses` in the API's body, by response type."""
    known = {kind: _response(problem, _SECONDS.get(kind, 1), status=True) for kind, problem in PROBLEMS.items()}
    return known | {kind: _response(problem, 1, status=False) for kind, problem in CATCH_ALLS.items()}


def _response(problem: errors.ConfigsvcError, seconds: int, *, status: bool) -> dict[str, object]:
    body = errors.to_problem(problem, REQUEST_ID)
    headers = {"gatewayresponse.header.Content-Type": "'application/problem+json'"}
    if problem.status in _RETRY_AFTER:
        headers["gatewayresponse.header.Retry-After"] = f"'{seconds}'"
    response: dict[str, object] = {"responseParameters": headers}
    if status:
        response["statusCode"] = str(problem.status)
    else:
        del body["status"]
    return response | {"responseTemplates": {"application/json": json.dumps(body)}}
