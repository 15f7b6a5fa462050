"""Tests of gluonvae.moments."""
