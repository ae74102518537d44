"""What the end-to-end tests share: a server to run, peers that speak to it, a TAP runner."""
