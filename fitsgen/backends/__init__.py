"""A checked model to something: one file a backend."""
