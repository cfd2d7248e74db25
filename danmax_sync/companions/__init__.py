"""Other people's programs that scans are opened with: silx view, pyFAI-calib2, Jupyter."""
