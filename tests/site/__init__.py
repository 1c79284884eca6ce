"""The site: `python -m tests.site` builds it, as `make docs` does."""
