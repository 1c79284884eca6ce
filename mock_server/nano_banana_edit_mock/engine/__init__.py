"""The service without I/O. `service.MockService.handle` is the way of a request, from top to bottom."""
