"""The ways into the service: in process behind httpx, and a port."""
