"""How long fitsgen takes, as ratios to peers that run in turn with it: `python -m benchmarks`."""
