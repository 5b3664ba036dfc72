"""The demo: real commands through the wrapper, over a real server, to a handler; each promise is then checked."""
