"""The ways in: in process for callers on httpx and httpx2, and a port."""
