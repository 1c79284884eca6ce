"""The nano-banana-edit service, offline."""
