"""The API's door: mutual TLS, and what a handshake that was refused tells. Source: wire-spec.md 3 and 4.1, stack.md "TLS and the server"."""
