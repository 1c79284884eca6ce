"""What the client costs, as ratios to httpx, and the mock, as ratios to Prism.

docs/explanation/performance.md says how.
"""
