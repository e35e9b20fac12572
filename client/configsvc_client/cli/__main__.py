"""`python -m configsvc_client.cli`."""

from configsvc_client.cli import main

main()
