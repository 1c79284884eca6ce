"""Batches over a ledger."""
