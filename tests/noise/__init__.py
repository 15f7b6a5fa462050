"""Tests of gluonvae.noise."""
