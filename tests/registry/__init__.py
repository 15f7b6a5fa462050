"""Tests of gluonvae.registry."""
