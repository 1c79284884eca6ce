"""Write the pages of the reference that are made from the commands and from the document: `make reference`."""

from __future__ import annotations

from nano_banana_edit_mock import load

from . import command_line_page, document_page
from .stage import DOCS

PAGES = {"command-line": command_line_page.page, "document": lambda: document_page.page(load())}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / f"reference/{name}.md").write_text(page())
