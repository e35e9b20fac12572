"""Draw docs/dashboard.svg: `make dashboard-picture`."""

from __future__ import annotations

from infra.dashboard_picture.picture import main

if __name__ == "__main__":
    main()
