"""Refusals of API Gateway and KMS are distinguished by their real answers, and each says what to do.

The answers are those of AWS: "How do I troubleshoot HTTP 403 errors from API Gateway?", and what people quote of them
in public issues (badslug/Paw-AWSSignature4DynamicValue#5, michalkvasnicak/aws-lambda-graphql#171,
NickWaterton/Roomba980-Python#118). Those of our stage come from infra/cloudformation/gateway_responses.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from configsvc.model.errors import ConfigsvcError, Forbidden, Throttled, Unavailable
from configsvc_client._aws import refusals
from configsvc_client._service.problems import read_problem
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import parse_url
from configsvc_client.cli import exit_codes
from infra.cloudformation.gateway_responses import PROBLEMS, problem_body

URL = parse_url("https://abc123.execute-api.eu-central-1.amazonaws.com/api")
PATH = "/api/v1/namespaces/payments.prod"
WHO = "arn:aws:sts::111122223333:assumed-role/Deploy/ann"
RESOURCE = "arn:aws:execute-api:eu-central-1:********2233:abc123/api/PUT/v1/namespaces/payments.prod/keys/db.url"
DENIED = f"User: {WHO} is not authorized to perform: execute-api:Invoke on resource: {RESOURCE}"
POLICY = "configsvc iam-policy --for writer -n payments.prod"
CANARY = "canary-api-key-9b1e"
CANONICAL = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request "
    f"should have been\n'PUT\n/api/v1\n\nhost:abc123\nx-amz-security-token:{CANARY}\nx-api-key:{CANARY}\n"
)


def aws(kind: str, message: str, *, name: str = "message", status: int = 403) -> Response:
    """An answer of API Gateway where no gateway response of ours is set."""
    headers = {"content-type": "application/json", "x-amzn-errortype": kind}
    return Response(status, headers, json.dumps({name: message}).encode())


def ours(kind: str, message: str | None = None, **headers: str) -> Response:
    """An answer of API Gateway by our gateway responses."""
    body = json.dumps(problem_body(kind, "id", message)).encode()
    return Response(PROBLEMS[kind].status, {"content-type": "application/problem+json", **headers}, body)


def refused(answer: Response, method: str = "PUT", rest: str = "/keys/db.url", ahead: float = 0.4) -> ConfigsvcError:
    return read_problem(answer, URL, PATH + rest, method, signed=method != "GET", ahead=ahead)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (aws("AccessDeniedException", DENIED, name="Message"), "ACCESS_DENIED", [WHO, "execute-api:Invoke", POLICY]),
        (ours("ACCESS_DENIED", DENIED), "ACCESS_DENIED", [WHO, "execute-api:Invoke", POLICY]),
        (
            ours("ACCESS_DENIED", f"{DENIED} because no identity-based policy allows the execute-api:Invoke action"),
            "ACCESS_DENIED", ["no identity-based policy allows it", POLICY],
        ),
        (ours("ACCESS_DENIED", f"{DENIED} with an explicit deny"), "ACCESS_DENIED", ["explicit deny in a policy"]),
        (
            ours("ACCESS_DENIED", f"{DENIED} with an explicit deny in a service control policy"),
            "ACCESS_DENIED", ["explicit deny in a service control policy", "has to be changed"],
        ),
        (
            aws("AccessDeniedException", "The security token included in the request is invalid."),
            "UNKNOWN_CREDENTIALS", ["AWS does not know your AWS credentials"],
        ),
        (
            aws("UnrecognizedClientException", "The security token included in the request is invalid."),
            "UNKNOWN_CREDENTIALS", ["AWS does not know your AWS credentials"],
        ),
        (
            aws("ExpiredTokenException", "The security token included in the request is expired"),
            "EXPIRED_TOKEN", ["have expired"],
        ),
        (ours("EXPIRED_TOKEN"), "EXPIRED_TOKEN", ["Get new ones"]),
        (aws("InvalidSignatureException", CANONICAL), "INVALID_SIGNATURE", ["secret access key", "AWS_REGION"]),
        (ours("INVALID_SIGNATURE"), "INVALID_SIGNATURE", ["secret access key", "AWS_REGION"]),
        (
            aws("InvalidSignatureException", "Signature expired: 20301130T060000Z is now earlier than 20301130T0655Z"),
            "CLOCK", ["your clock is off"],
        ),
        (
            aws("InvalidSignatureException", "Signature not yet current: 20230804T000000Z is still later than …"),
            "CLOCK", ["your clock is off", "NTP"],
        ),
        (aws("MissingAuthenticationTokenException", "Missing Authentication Token"), "MISSING_AUTHENTICATION_TOKEN",
         ["no route PUT /v1/namespaces/payments.prod/keys/db.url", "CONFIGSVC_URL"]),
        (ours("MISSING_AUTHENTICATION_TOKEN"), "MISSING_AUTHENTICATION_TOKEN", ["CONFIGSVC_URL", "without /v1"]),
        (aws("ForbiddenException", "Forbidden"), "FORBIDDEN", ["API key", "is not a stage of an API", "AWS WAF"]),
        (ours("INVALID_API_KEY", **{"x-amzn-errortype": "ForbiddenException"}), "INVALID_API_KEY",
         ["disabled", "usage plan", "CONFIGSVC_API_KEY"]),
        (ours("WAF_FILTERED", **{"x-amzn-errortype": "ForbiddenException"}), "WAF_FILTERED", ["AWS WAF", "Grants"]),
        (ours("THROTTLED"), "THROTTLED", ["Too many requests"]),
        (aws("LimitExceededException", "Limit Exceeded", status=429), "QUOTA_EXCEEDED", ["quota_per_day"]),
        (ours("QUOTA_EXCEEDED"), "QUOTA_EXCEEDED", ["quota_per_day"]),
    ],
)  # fmt: skip
def test_each_gateway_refusal_is_distinguished_and_gives_advice(answer: Response, kind: str, says: list[str]) -> None:
    error = refused(answer)
    assert type(error) is (Throttled if answer.status == 429 else Forbidden)
    assert error.members["gateway"] == kind
    assert [each for each in says if each not in error.detail] == []
    assert ("CONFIGSVC_URL" in error.detail) == (kind == "MISSING_AUTHENTICATION_TOKEN")
    assert CANARY not in error.detail + repr(error.members)


def test_clock_skew_is_reported_if_the_answer_has_a_date() -> None:
    assert "312 s ahead" in refused(ours("INVALID_SIGNATURE"), ahead=312.2).detail
    assert "400 s behind" in refused(aws("InvalidSignatureException", CANONICAL), ahead=-400.4).detail


@pytest.mark.parametrize(
    ("method", "rest", "action", "namespace", "policy"),
    [
        ("PUT", "/keys/db.url", "write", "payments.prod", POLICY),
        ("DELETE", "/keys/db.url", "write", "payments.prod", POLICY),
        ("POST", "/keys/db.url/activate", "write", "payments.prod", POLICY),
        ("POST", "/changes", "write", "payments.prod", POLICY),
        ("DELETE", "/keys/db.url/versions/3", "admin", "payments.prod", POLICY.replace("writer", "administrator")),
        ("POST", "/data-keys", "admin", "payments.prod", POLICY.replace("writer", "administrator")),
        ("PUT", "", "admin", "payments.prod", POLICY.replace("writer", "administrator")),
        ("PUT", "../../grants?principal=x", "admin", "*", "configsvc iam-policy --for administrator -n '*'"),
        ("POST", "../../whoami", None, None, "configsvc iam-policy --for writer"),
    ],
)
def test_an_iam_denial_names_action_namespace_and_role_policy(
    method: str, rest: str, action: str | None, namespace: str | None, policy: str
) -> None:
    path = "/api/v1/" + rest.removeprefix("../../") if rest.startswith("..") else PATH + rest
    error = read_problem(ours("ACCESS_DENIED", DENIED), URL, path, method, signed=True)
    found: Mapping[str, object] = error.members
    assert (found["action"], found["namespace"], found["lacks"]) == (action, namespace, "iam")
    assert policy in error.detail


def test_an_unsigned_read_that_is_denied_is_the_api_s_own_policy() -> None:
    anonymous = DENIED.replace(WHO, "anonymous")
    error = refused(ours("ACCESS_DENIED", anonymous), "GET", "/snapshot")
    assert "resource policy refused GET" in error.detail
    assert "iam-policy" not in error.detail


def test_what_the_service_itself_refuses_is_left_as_it_says_it() -> None:
    told = {"code": "forbidden", "detail": "This needs the write action on payments.prod.", "action": "write"}
    answer = Response(403, {"content-type": "application/problem+json"}, json.dumps(told).encode())
    error = refused(answer)
    assert (error.detail, error.members) == (told["detail"], {"action": "write"})


def test_a_403_of_something_else_names_firewall_and_url() -> None:
    error = refused(Response(403, {"content-type": "text/html"}, b"<html>Request blocked."))
    assert ("firewall or proxy" in error.detail, "CONFIGSVC_URL" in error.detail) == (True, True)
    assert "gateway" not in error.members


@pytest.mark.parametrize(
    "message",
    ["User: \x1b[2J is not authorized to perform: execute-api:Invoke on resource: x", "User: " + "a" * 9000, '{"', ""],
)
def test_a_message_of_an_odd_shape_is_not_repeated(message: str) -> None:
    error = refused(ours("ACCESS_DENIED", message))
    assert "your AWS identity" in error.detail
    assert error.detail.isprintable()
    assert len(error.detail) < 400


@pytest.mark.parametrize(
    ("operation", "members", "says"),
    [
        ("Decrypt", {"KeyId": "arn:k", "EncryptionContext": {"configsvc:namespace": "a.b"}},
         ["kms:Decrypt on arn:k", "configsvc:namespace=a.b", "of reader): configsvc iam-policy --for reader -n a.b"]),
        ("GenerateDataKey", {"KeyId": "arn:k", "EncryptionContext": {"configsvc:namespace": "a.b"}},
         ["kms:GenerateDataKey on arn:k", "configsvc iam-policy --for writer -n a.b"]),
        ("ReEncrypt", {"SourceKeyId": "arn:k", "SourceEncryptionContext": {"configsvc:namespace": "a.b"}},
         ["kms:ReEncryptFrom and kms:ReEncryptTo", "configsvc iam-policy --for administrator -n a.b"]),
        ("Decrypt", {"EncryptionContext": {"configsvc:namespace": "a.b", "configsvc:key": "k"}},
         ["kms:Decrypt on arn:aws:kms:eu-central-1:111122223333:key/1"]),
    ],
)  # fmt: skip
def test_a_kms_denial_names_action_key_context_and_policy(
    operation: str, members: Mapping[str, object], says: list[str]
) -> None:
    message = "User: u is not authorized to perform: kms:X on resource: arn:aws:kms:eu-central-1:111122223333:key/1"
    told = refusals.explain_refusal(operation, "AccessDeniedException", message, members)
    assert [each for each in says if each not in told] == []


KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NEEDS = f"User: {WHO} is not authorized to perform: kms:Decrypt on resource: {KEY}"
ELSEWHERE = (
    f"User: {WHO} is not authorized to perform: kms:Decrypt on this resource because the resource does not exist in "
    "this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
)
PRINTS, BESIDES = "This prints the policy", "The call also needs the policy that this prints: configsvc iam-policy"


@pytest.mark.parametrize(
    ("code", "message", "says", "never"),
    [
        ("AccessDeniedException", f"{NEEDS} because no identity-based policy allows the kms:Decrypt action",
         ["allows the kms:Decrypt action. Your AWS", PRINTS], ["must allow it too"]),
        ("AccessDeniedException", f"{NEEDS} with an explicit deny in an identity-based policy",
         ["an identity-based policy. Your AWS", "explicit deny", "has to be changed", BESIDES], [PRINTS, "a identity"]),
        ("AccessDeniedException", f"{NEEDS} because no service control policy allows the kms:Decrypt action",
         ["The service control policy must allow it too"], []),
        ("AccessDeniedException", f"{NEEDS} because no resource-based policy allows the kms:Decrypt action",
         ["The key policy of the KMS key must allow it too"], []),
        ("AccessDeniedException", NEEDS.replace("111122223333:key", "999988887777:key"),
         ["another account, 999988887777, so its key policy"], []),
        ("AccessDeniedException", ELSEWHERE, ["denies access. Your AWS", "not in AWS_REGION"], ["must allow it too"]),
        ("AccessDeniedException", "", ["AccessDeniedException. Your AWS identity needs kms:Decrypt"], []),
        ("DisabledException", f"{KEY} is disabled.", [f"aws kms enable-key --key-id {KEY}"], []),
        ("KMSInvalidStateException", f"{KEY} is pending deletion.", [f"-deletion --key-id {KEY}", "lost"], []),
        ("KMSInvalidStateException", f"{KEY} is pending import.", [f"aws kms describe-key --key-id {KEY}"], ["lost"]),
        ("NotFoundException", f"Key '{KEY}' does not exist", ["exist. Is AWS_REGION the region", "ARN in CONFIG"], []),
        ("InvalidCiphertextException", "", ["another namespace or key, or altered"], []),
        ("InvalidKeyUsageException", "x", ["symmetric KMS key"], []),
        ("UnrecognizedClientException", "The security token included in the request is invalid.",
         ["Your AWS credentials are wrong or have expired. configsvc doctor"], ["KMS key"]),
        ("ExpiredTokenException", "The security token included in the request is expired",
         ["request is expired. Your AWS credentials"], ["clock"]),
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z",
         ["clock", "NTP"], ["credentials"]),
        ("InvalidSignatureException", "Signature not yet current: 20260101T000000Z is still later than",
         ["clock"], ["credentials"]),
        ("InvalidSignatureException", "Credential should be scoped to a valid region, not 'us-east-1'. ",
         ["KMS endpoint is not in the region", "AWS_ENDPOINT_URL_KMS", "AWS_REGION"], ["credentials"]),
        ("InvalidSignatureException", CANONICAL, ["credentials are wrong"], [CANARY, "Canonical", "host:"]),
        ("ThrottlingException", "Rate exceeded", ["Rate exceeded."], []),
    ],
)  # fmt: skip
def test_each_refusal_of_kms_says_its_own_cause_in_whole_sentences(
    code: str, message: str, says: list[str], never: list[str]
) -> None:
    said = {"__type": code, "message": message}
    error = refusals.make_refusal_error("Decrypt", 400, said, {"EncryptionContext": {"configsvc:namespace": "a.b"}})
    assert [each for each in says if each not in error.detail] == []
    assert [each for each in never if each in error.detail] == []
    assert "  " not in error.detail
    assert ".." not in error.detail
    assert "KMS" not in exit_codes.get_next_step(error)
    nobody = code.startswith(("AccessDenied", "Expired", "InvalidSignature", "Unrecognized"))
    assert exit_codes.get_code(error) == (4 if nobody else 6 if isinstance(error, Unavailable) else 1)


def test_iam_s_kind_of_policy_decides_what_is_to_be_changed() -> None:
    def told(words: str) -> str:
        return refused(ours("ACCESS_DENIED", f"{DENIED} {words}")).detail

    assert "deny in an identity-based policy. No" in told("with an explicit deny in an identity-based policy")
    assert "The permissions boundary must allow it too" in told("because no permissions boundary allows the action")
    assert "must allow it too" not in told("because no identity-based policy allows the action")


def test_a_used_up_quota_does_not_advise_retrying_soon() -> None:
    for answer in (aws("LimitExceededException", "Limit Exceeded", status=429), ours("QUOTA_EXCEEDED")):
        assert exit_codes.get_next_step(refused(answer)) == ""
    busy = refused(aws("TooManyRequestsException", "Too Many Requests", status=429))
    assert ("Too many requests" in busy.detail, "Wait a little" in exit_codes.get_next_step(busy)) == (True, True)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_on_the_way_says_what_to_do(status: int) -> None:
    assert "Try again" in refused(Response(status, {"content-type": "text/html"}, b"<html>")).detail


def test_a_redirect_is_said_to_be_one() -> None:
    assert "answered 302, a redirect" in refused(Response(302, {"location": "https://login"}, b"")).detail
