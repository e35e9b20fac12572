"""HTTP/1.1 as the client needs it: one kept connection, TLS, proxies, deadlines."""
