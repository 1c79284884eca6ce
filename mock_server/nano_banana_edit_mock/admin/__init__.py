"""The mock itself over HTTP, under `/__mock__/`, and the page that shows it."""
