"""Builds, registers, submits and cancels dispatches; the public face is imported from here."""
