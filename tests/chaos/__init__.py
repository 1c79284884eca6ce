"""Batches under faults: processes that are killed, a service and a database that fail, and what must hold after all."""
