"""Writes configsvc/web/openapi.json and docs/API.md: `make api-docs`."""

from __future__ import annotations

from infra.api_docs.files import render_files


def main() -> None:
    for path, text in render_files().items():
        path.write_text(text, encoding="utf-8")
        print(path.name)


if __name__ == "__main__":
    main()
