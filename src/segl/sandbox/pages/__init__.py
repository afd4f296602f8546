"""The sandbox's pages on the web address: start page, persons, latest API requests, clock."""
