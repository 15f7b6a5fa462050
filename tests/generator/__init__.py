"""Tests of gluonvae.generator."""
