"""One technology per file; each implements a port of `configsvc.service.engine.ports`."""
