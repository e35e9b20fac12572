"""The configsvc service over HTTP: requests, answers and refusals."""
