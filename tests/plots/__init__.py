"""Tests of gluonvae.plots."""
