"""Whom Segl believes: the enterprise CAs of senders with their revocation lists, and the validation material of its own signatures."""
