"""Tests of gluonvae.outliers."""
