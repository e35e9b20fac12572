"""Values and rules that the service and its client share: pure, standard library only."""
