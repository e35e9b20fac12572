"""Talk to the configsvc service over HTTP: requests, answers and refusals."""
