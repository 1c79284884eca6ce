"""Referees that nobody here wrote judge the mock by the same document."""
