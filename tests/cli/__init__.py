"""Tests of gluonvae.cli."""
