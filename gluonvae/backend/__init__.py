"""The layer between gluonvae and MXNet: start-up, threads, devices, numerics, compiled operators and memory."""
