"""The template of the service, made of the stage's settings."""
