"""The real calibration pipelines, run on exposures and references that fitsgen made."""
