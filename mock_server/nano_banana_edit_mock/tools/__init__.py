"""What is made of the document besides the service: boundary cases, conformance of a server, drift of a version."""
