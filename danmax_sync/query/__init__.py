"""Text becomes a tree, a tree becomes SQL."""
