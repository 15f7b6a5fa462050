"""Tests of gluonvae.prior."""
