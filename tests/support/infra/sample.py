"""A template as Chalice writes it, cut down to what the builder reads."""

import copy
from typing import Any

_SAMPLE: dict[str, Any] = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Globals": {"Api": {"OpenApiVersion": "2.0"}},
    "Resources": {
        "APIHandler": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "AutoPublishAlias": "live",
                "CodeUri": "./deployment.zip",
                "Handler": "app.app",
                "Role": "arn:aws:iam::123456789012:role/r",
                "Runtime": "python3.11",
            },
        },
        "APIHandlerInvokePermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "APIHandler"},
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
            },
        },
        "RestAPI": {
            "Type": "AWS::Serverless::Api",
            "Properties": {
                "StageName": "api",
                "DefinitionBody": {
                    "swagger": "2.0",
                    "info": {"title": "configsvc", "version": "1"},
                    "paths": {
                        "/v1/health": {
                            "get": {
                                "x-amazon-apigateway-integration": {
                                    "type": "aws_proxy",
                                    "httpMethod": "POST",
                                    "uri": {"Fn::Sub": "arn:${AWS::Region}:functions/${APIHandler.Arn}/invocations"},
                                }
                            }
                        }
                    },
                },
            },
        },
    },
    "Outputs": {"RestAPIId": {"Value": {"Ref": "RestAPI"}}, "ApiUrl": {"Value": "https://…"}},
}


def sample() -> dict[str, Any]:
    return copy.deepcopy(_SAMPLE)
