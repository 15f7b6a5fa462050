"""Trials that take minutes: commands of their own, of which the tests run a few rounds."""
