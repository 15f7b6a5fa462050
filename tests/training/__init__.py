"""Tests of gluonvae.training."""
