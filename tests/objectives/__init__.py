"""Tests of gluonvae.objectives."""
