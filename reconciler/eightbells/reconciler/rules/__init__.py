"""The rules of docs/faults.md, section 2, one small function each; `classify` has them in order."""
