"""Logbooks of the facility: what people wrote while scans were measured."""
