"""docs/dashboard.svg: the dashboard of prod, drawn from its definition with sample data."""
