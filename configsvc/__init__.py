"""The config and secrets service: stores what it cannot read."""
