"""Tests of gluonvae.backend."""
