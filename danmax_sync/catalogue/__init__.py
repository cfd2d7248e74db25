"""Remembers records. Knows SQL; knows no HDF5."""
