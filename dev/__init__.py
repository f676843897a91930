"""The workshop of renvault_web: set-up, build, server, relay, tests. Nothing in here is shipped."""
