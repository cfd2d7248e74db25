"""Simulated visits in the true format and servers to fetch them from: for tests, the demo, and users' own tests."""
