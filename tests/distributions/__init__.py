"""Tests of gluonvae.distributions."""
