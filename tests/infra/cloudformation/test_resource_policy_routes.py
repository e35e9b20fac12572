"""The resource policy allows the routes that need no signature to everybody, so no such pattern may reach a signed one.

`*` in a resource of execute-api matches slashes (API Gateway developer guide, "Control access for invoking an API").
"""

import re
from fnmatch import fnmatchcase

from infra.packaging.service_zip import Package
from tests.infra.cloudformation.test_options import EVERYTHING, expanded


def test_no_pattern_of_an_unsigned_route_matches_a_signed_route(built_package: Package) -> None:
    body = expanded(built_package, EVERYTHING)["Resources"]["RestAPI"]["Properties"]["Body"]
    [everybody] = [
        each for each in body["x-amazon-apigateway-policy"]["Statement"]
        if each["Effect"] == "Allow" and each["Principal"] == "*" and "Condition" not in each
    ]  # fmt: skip
    signed = [
        f"execute-api:/api/{method.upper()}{re.sub(r'{[^}]+}', 'x', path)}"
        for path, item in body["paths"].items()
        for method, operation in item.items()
        if any("sigv4" in each for each in operation.get("security", []))
    ]
    assert len(signed) > 10
    assert [arn for arn in signed if any(fnmatchcase(arn, each) for each in everybody["Resource"])] == []
