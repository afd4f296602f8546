"""A walk through the whole flow in Chromium without a screen: log in at the demo sender, sign at Segl, come back with the sealed PDF."""
