"""How MXNet is started, and what it lacks: threads, devices, numerics, compiled operators, memory."""
