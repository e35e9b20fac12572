"""The client's HTTP/1.1: one keep-alive connection, TLS, proxies and deadlines. For backoff see `model.retry`."""
