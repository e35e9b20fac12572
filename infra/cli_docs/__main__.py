"""Write docs/CLI.md: `make cli-docs`."""

from __future__ import annotations

from infra.cli_docs.page import files


def main() -> None:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(path.name)


if __name__ == "__main__":
    main()
