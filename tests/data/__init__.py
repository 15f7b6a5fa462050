"""Tests of gluonvae.data."""
