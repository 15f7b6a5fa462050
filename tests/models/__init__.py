"""Tests of gluonvae.models."""
