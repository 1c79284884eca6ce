"""The mock itself over HTTP: its API under `/__mock__/`, and its page."""
