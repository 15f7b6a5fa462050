"""Tests of gluonvae.export."""
