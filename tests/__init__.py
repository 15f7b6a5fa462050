"""Tests of gluonvae: a folder a room; tables of kinds, exact truths, and helpers beside them."""
