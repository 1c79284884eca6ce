"""What the client costs, as ratios to httpx, and the mock, as ratios to Prism; docs/performance.md says how."""
