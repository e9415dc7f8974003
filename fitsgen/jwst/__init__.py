"""What only JWST has: its detectors and their frames, windows, kinds of raw file, and names.

In: opened inputs. Out: sources that look like the inputs in another frame, the name of a file
type, the name of a file. Nothing here knows templates or the compiler.
"""
