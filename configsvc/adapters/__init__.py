"""One technology per file; each brings a port of `configsvc.service.engine.ports`."""
