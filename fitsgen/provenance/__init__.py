"""What a file was made from, and the file made again.

`conversion` converts, and has `recording` tell of it, as a `record`; that is written as JSON, or by
`cards` into the file's own header. `source` reads it from there, `finding` finds the files it
names, unchanged, and `again` makes the file anew; `difference` compares the two.
"""
