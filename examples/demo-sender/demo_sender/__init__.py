"""
Eksempelskolen: a made-up school whose pupils sign apprenticeship contracts, to show a sender's side of Segl.

It is no part of Segl: it uses the API over mutual TLS through `segl_client`, as any sender would.
"""
