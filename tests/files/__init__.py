"""Tests of gluonvae.files."""
