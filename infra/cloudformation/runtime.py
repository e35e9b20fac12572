"""The runtime and architecture of a template's functions, which must be those of the zip."""

from __future__ import annotations

import copy

from infra.cloudformation.template import Template


def run_on(template: Template, runtime: str, architecture: str) -> Template:
    """The SAM template with every function on this runtime and architecture, whatever Chalice wrote."""
    done = copy.deepcopy(template)
    for resource in done["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"] |= {"Runtime": runtime, "Architectures": [architecture]}
    return done
