"""One command a file: parse, one call into a room, display."""
