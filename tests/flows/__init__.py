"""Tests of gluonvae.flows."""
