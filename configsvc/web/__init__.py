"""HTTP in front of the verbs: routes, strict requests, problems, and one log line per request."""
