"""The service without I/O: a request in, a response out."""
