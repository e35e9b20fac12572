"""For Dynaconf: see `configsvc_client.dynaconf.loader`."""
