"""HTTP in front of the verbs: routes, strict requests, problems, one log line each."""
