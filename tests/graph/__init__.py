"""Tests of gluonvae.graph."""
