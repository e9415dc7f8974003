"""Fuzzing, led by coverage: whatever fitsgen reads of strangers, fed with what nobody expects.

`python -m fuzz` runs it; the bytes that found a way of their own are kept in `corpus/`.
"""
