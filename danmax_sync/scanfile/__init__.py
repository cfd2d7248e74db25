"""One scan on disk becomes a record. Knows HDF5; knows no SQL and no network."""
