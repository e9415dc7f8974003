"""Arrays that are computed piece by piece, when they are written: see `array`.

Nothing is imported here, so that what asks only for costs does not load NumPy.
"""
