"""Tests of gluonvae.evaluation."""
