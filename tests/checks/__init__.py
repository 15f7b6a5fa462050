"""Tests of gluonvae.checks."""
