"""Developer programs: run them from the root of the checkout as `python -m scripts.NAME`."""
