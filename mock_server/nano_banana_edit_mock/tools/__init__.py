"""Other uses of the document: boundary cases, the conformance of a server, the drift between two versions."""
