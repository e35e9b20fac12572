"""API Gateway on loopback: events, API keys, signatures."""
