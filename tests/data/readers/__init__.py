"""Tests of the readers of files and folders."""
