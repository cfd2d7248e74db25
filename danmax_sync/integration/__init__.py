"""Recipe, geometry, frames, patterns, files."""
