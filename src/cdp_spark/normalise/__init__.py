"""The one normal form of every kind of value: plain functions, a value in; the value, or why there is none, out."""
