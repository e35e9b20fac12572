"""In a fresh process: seconds from the import to the value, with Lambda's runtime loaded before the clock starts."""

import sys
import time

import awslambdaric.bootstrap  # noqa: F401  # what Lambda has loaded before ours


def configsvc() -> object:
    from configsvc_client import Config

    config = Config()
    config["k0"]
    return config.snapshot


def powertools() -> object:
    from aws_lambda_powertools.utilities import parameters

    found = parameters.get_parameter("/bench/1/k0", decrypt=True)
    return lambda: [found]


def powertools_thousand() -> object:
    from aws_lambda_powertools.utilities import parameters

    found = parameters.get_parameters("/bench/1000", decrypt=True)
    return lambda: found


def powertools_by_name() -> object:
    from aws_lambda_powertools.utilities import parameters

    found = parameters.get_parameters_by_name({f"/bench/1000/k{number}": {} for number in range(1000)}, decrypt=True)
    return lambda: found


def credstash() -> object:
    import credstash

    found = credstash.getSecret("k0")
    return lambda: [found]


def credstash_thousand() -> object:
    import credstash

    found = credstash.getAllSecrets()
    return lambda: found


def secrets_manager() -> object:
    from aws_secretsmanager_caching import SecretCache

    found = SecretCache().get_secret_string("bench")
    return lambda: [found]


def boto3_ssm() -> object:
    import boto3

    found = boto3.client("ssm").get_parameter(Name="/bench/1/k0", WithDecryption=True)
    return lambda: [found["Parameter"]["Value"]]


def import_configsvc() -> object:
    import configsvc_client

    return lambda: [configsvc_client]


def import_boto3() -> object:
    import boto3

    return lambda: [boto3]


before = len(sys.modules)
side = globals()[sys.argv[1]]
began = time.perf_counter()
held = side()
seconds = time.perf_counter() - began

with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  # pathlib would be something loaded
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
modules = len(sys.modules) - before

import json  # noqa: E402  # after the clock, though the runtime has it

print(json.dumps({"seconds": seconds, "modules": modules, "values": len(held()), "peak": peak}))
