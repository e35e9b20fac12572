"""The HTTP API for writers: requests, answers, pages and retries."""
