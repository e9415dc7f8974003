"""The parts that the shipped file types share: one `NAME.gen.inc` each."""
