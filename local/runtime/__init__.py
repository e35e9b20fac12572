"""Lambda on loopback: environments that run a deployment zip."""
