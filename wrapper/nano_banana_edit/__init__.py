"""Edit images from a text instruction."""

__version__ = "0.1.0"
