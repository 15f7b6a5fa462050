"""Tests of gluonvae.inference."""
