"""Write the costs into docs/OPERATIONS.md: `make cost-docs`."""

from __future__ import annotations

from infra.costs.page import main

if __name__ == "__main__":
    main()
