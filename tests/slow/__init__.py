"""Checks that take long: commands of their own."""
