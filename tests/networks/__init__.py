"""Tests of gluonvae.networks."""
