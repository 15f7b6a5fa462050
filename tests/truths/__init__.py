"""Models and distributions of which the truth is known, by NumPy and SciPy alone."""
