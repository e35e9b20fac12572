"""The story that `make run` prints."""
