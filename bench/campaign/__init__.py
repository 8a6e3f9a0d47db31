"""The campaign: a load of everything the engine does, faults of every kind beside it, and a verdict at the end.

`place` is the server and its folder, `link` the network between it and everybody, `hosts` the clusters and the web
server, `load` what they execute, `senders` who sends, `faults` what goes wrong, `ledger` what was seen outside the
database, and `verdict` compares the two.
"""
