"""Training and evaluation by several processes, on one machine or several, which share their gradients."""
