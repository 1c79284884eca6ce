"""What the client costs, as ratios to httpx. `make bench`; docs/performance.md says how it is measured."""
