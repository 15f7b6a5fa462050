"""Tables of kinds, which tests run through: a new kind is a new row."""
