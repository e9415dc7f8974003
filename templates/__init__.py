"""The file types that come with fitsgen: one `NAME.gen.txt` each."""
