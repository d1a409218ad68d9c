"""Bridges: the tools and handlers that people have, here, and ours in what they have. Each is an extra of its own."""
