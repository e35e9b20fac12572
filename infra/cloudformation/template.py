"""From the template Chalice writes to the one that is deployed: pure functions over dicts.

`finish` adds what Chalice cannot say, `locate` points at the uploaded zip, `expand` runs the SAM transform here
(references: the AWS SAM specification), and `for_emulator` is the one list of what the local AWS lacks.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from infra.cloudformation import versions
from infra.cloudformation.dashboard import dashboard
from infra.cloudformation.gateway_responses import gateway_responses
from infra.cloudformation.plain_alarms import is_math, keep_alarms, without_fill

Template = dict[str, Any]

CALLS_OF_THE_STAGE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestAPI}/api/*"
"""The `aws:SourceArn` of an invocation that comes from the API's stage, for `Fn::Sub`."""

_UNQUALIFIED = "${APIHandler.Arn}"
_ALIAS = {"Ref": "APIHandler.Alias"}
_EXPANDED_ALIAS = {"Ref": "APIHandlerAliaslive"}
_CHALICE_OUTPUTS = ("APIHandlerArn", "APIHandlerName", "EndpointURL", "RestAPIId")  # said again in merge.yaml
_NOT_EMULATED = ("AWS::CodeDeploy::", "AWS::WAFv2::WebACLAssociation", "AWS::XRay::")
_RESPONSES = "x-amazon-apigateway-gateway-responses"


class TemplateError(Exception):
    """The template is not as expected, so deploying it would not do what it should."""


def finish(sam: Template, *fragments: Template) -> Template:
    """The SAM template with the alias in every integration and in the permission, and problems from the gateway.

    Fragments add parameters, resources and outputs; a dashboard among them is drawn here.
    """
    done = copy.deepcopy(sam)
    for fragment in fragments:
        _add(done, fragment)
    draw_dashboards(done)
    api = _name_alias(sam["Resources"]["RestAPI"])
    if api == sam["Resources"]["RestAPI"]:
        raise TemplateError(f"No integration of RestAPI names {_UNQUALIFIED}: did Chalice change what it writes?")
    api["Properties"]["DefinitionBody"][_RESPONSES] = gateway_responses()
    done["Resources"]["RestAPI"] = api
    permission = done["Resources"]["APIHandlerInvokePermission"]["Properties"]
    permission |= {"FunctionName": _ALIAS, "SourceArn": {"Fn::Sub": CALLS_OF_THE_STAGE}}  # Chalice names any stage
    for name in _CHALICE_OUTPUTS:
        done["Outputs"].pop(name, None)
    _refuse_leftovers(done)
    return done


def draw_dashboards(template: Template) -> None:
    """Draw each dashboard of the template with what the template has now."""
    for board in _of_type(template, "AWS::CloudWatch::Dashboard").values():
        board["Properties"]["DashboardBody"] = dashboard(template["Resources"])


def locate(
    sam: Template, bucket: str, key: str, code_sha256: str, parameters: Mapping[str, str] | None = None
) -> Template:
    """The template with its code at `s3://bucket/key`, and with the release of each function that publishes versions.

    A release names what a version of the function holds, its code by content and parameters by value. Another release
    publishes another version; the same one does not. Pass `parameters` for a deployment; without them, the template is
    only looked at and parameters have their defaults.

    Raises:
        TemplateError: a version holds a parameter whose value is not known here: its change would go unnoticed.
    """
    content = versions.keep_published(expand(_with_code(sam, "by-content", code_sha256)))
    given = parameters or {}
    if parameters is not None and (unknown := sorted(versions.list_unknown(content, given))):
        raise TemplateError(f"The function holds {', '.join(unknown)}, whose value is not known when it is deployed.")
    done = _with_code(sam, bucket, key)
    for name, release in versions.list_releases(content, given).items():
        # SAM also writes it into the description, so Lambda always has something new to publish.
        done["Resources"][name]["Properties"]["AutoPublishCodeSha256"] = release
    return done


def _with_code(sam: Template, bucket: str, key: str) -> Template:
    done = copy.deepcopy(sam)
    for function in _of_type(done, "AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    return done


def expand(sam: Template) -> Template:
    """Plain CloudFormation: the SAM transform, run here. The template must have been located."""
    from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # ships no types
    from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # the same

    # All it wants of a session is a region; a real one would look for profiles and credentials.
    translator = Translator({}, Parser(), boto_session=SimpleNamespace(region_name="us-east-1"))
    done: Template = translator.translate(copy.deepcopy(sam), {})
    translator.metrics.publish()  # to nobody; it warns otherwise
    for version in _of_type(done, "AWS::Lambda::Version").values():
        # SAM retains it in any case. Left by a canary that was rolled back, it would be the newest version, and Lambda
        # publishes no other one of equal content: the same release could not be tried again (aws/aws-cdk #28252).
        version["DeletionPolicy"] = "RetainExceptOnCreate"
    _refuse_expanded(done)
    return done


def for_emulator(expanded: Template, endpoint: str) -> Template:
    """The expanded template as the emulator at `endpoint` can take it.

    This is the whole list of what is changed for it:

    - resources it rejects (`AWS::CodeDeploy::*`, `AWS::WAFv2::WebACLAssociation`, `AWS::XRay::SamplingRule`) are
      removed, with the update policies that name them;
    - alarms on metric math, which it rejects, become alarms on the metric if they only fill in zeros, and are removed,
      also from dashboards, if they do more: `latency` and those of the canary;
    - gateway responses are ignored in the API's body, so they become `AWS::ApiGateway::GatewayResponse` resources
      that the deployment waits for;
    - log groups get a name with the stack's id in it, because it would generate the same name for each stack of a
      name, and so empty the log that a destroyed stack left;
    - the probe gets the URL at which the emulator serves the API: no name of AWS leads to it.

    What it accepts and silently drops (SSE, TTL, PITR, endpoint type, reserved concurrency) stays in.
    """
    done = copy.deepcopy(expanded)
    plain = {name: without_fill(each) for name, each in done["Resources"].items()}
    done["Resources"] = {name: each for name, each in plain.items() if _is_emulated(each)}
    for board in _of_type(done, "AWS::CloudWatch::Dashboard").values():
        board["Properties"]["DashboardBody"] = keep_alarms(board["Properties"]["DashboardBody"], done["Resources"])
    for resource in done["Resources"].values():
        resource.get("UpdatePolicy", {}).pop("CodeDeployLambdaAliasUpdate", None)
    _responses_as_resources(done)
    _name_log_groups(done)
    _lead_to(done, endpoint)
    return done


def _is_emulated(resource: Template) -> bool:
    return not is_math(resource) and not resource["Type"].startswith(_NOT_EMULATED)


def _add(template: Template, fragment: Template) -> None:
    for section, entries in fragment.items():
        held = template.setdefault(section, {})
        if twice := sorted(held.keys() & entries.keys()):
            raise TemplateError(f"{section} has {', '.join(twice)} twice.")
        held.update(copy.deepcopy(entries))


def _responses_as_resources(template: Template) -> None:
    resources = template["Resources"]
    responses = resources["RestAPI"]["Properties"]["Body"].pop(_RESPONSES, {})
    made = {_response_id(kind): _response_resource(kind, response) for kind, response in responses.items()}
    for deployment in _of_type(template, "AWS::ApiGateway::Deployment").values():
        deployment["DependsOn"] = sorted({*_depends_on(deployment), *made})
    resources.update(made)


def _name_log_groups(template: Template) -> None:
    for name, group in _of_type(template, "AWS::Logs::LogGroup").items():
        made = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
        named = {"Fn::Sub": ["${AWS::StackName}-" + name + "-${Made}", {"Made": made}]}
        group["Properties"].setdefault("LogGroupName", named)


def _lead_to(template: Template, endpoint: str) -> None:
    for function in _of_type(template, versions.FUNCTION).values():
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        if "CONFIGSVC_URL" in variables:
            variables["CONFIGSVC_URL"] = {"Fn::Sub": f"{endpoint}/_aws/execute-api/${{RestAPI}}/api"}


def _response_id(kind: str) -> str:
    return "GatewayResponse" + kind.title().replace("_", "")


def _response_resource(kind: str, response: Mapping[str, Any]) -> Template:
    properties = {name[0].upper() + name[1:]: value for name, value in response.items()}
    where = {"RestApiId": {"Ref": "RestAPI"}, "ResponseType": kind}
    return {"Type": "AWS::ApiGateway::GatewayResponse", "Properties": where | properties}


def _depends_on(resource: Mapping[str, Any]) -> list[str]:
    named = resource.get("DependsOn", [])
    return [named] if isinstance(named, str) else list(named)


def _name_alias(node: Any) -> Any:  # noqa: ANN401  # JSON is any
    """Return the node with every `Fn::Sub` of the function's ARN naming the alias instead.

    As `${Alias}` with a separate value: cfn-lint knows the reference to `APIHandler.Alias`, but not the attribute.
    """
    if isinstance(node, list):
        return [_name_alias(part) for part in node]
    if not isinstance(node, dict):
        return node
    text = node.get("Fn::Sub")
    if isinstance(text, str) and _UNQUALIFIED in text:
        return {"Fn::Sub": [text.replace(_UNQUALIFIED, "${Alias}"), {"Alias": _ALIAS}]}
    return {key: _name_alias(value) for key, value in node.items()}


def _refuse_leftovers(sam: Template) -> None:
    text = json.dumps(sam)
    for unwanted in (_UNQUALIFIED, "${ApiHandler}"):
        if unwanted in text:
            raise TemplateError(f"{unwanted} is still in the template: the alias or the log group would be bypassed.")


def _refuse_expanded(template: Template) -> None:
    if json.dumps(_EXPANDED_ALIAS) not in json.dumps(template["Resources"]["RestAPI"]):
        raise TemplateError("The integrations do not name the alias after the SAM transform.")
    stages = sorted(_of_type(template, "AWS::ApiGateway::Stage"))
    # A deployment with a stage name would make another stage, public and without our settings.
    deployments = _of_type(template, "AWS::ApiGateway::Deployment")
    stages += [name for name, deployment in deployments.items() if "StageName" in deployment["Properties"]]
    if len(stages) != 1:
        raise TemplateError(f"One stage was expected, there are {len(stages)}: {', '.join(stages)}.")


def _of_type(template: Template, kind: str) -> dict[str, Template]:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}
