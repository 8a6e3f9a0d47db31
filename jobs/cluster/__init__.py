"""The only package that knows django-q2, which supervises our worker processes: it starts, restarts and stops them.

Q2 never holds work of ours. A worker that takes the one constant token of `broker` pumps runs for a while (`pumping`),
`guard` keeps Q2's sentinel working whatever is killed, and `command` is the process that an operator starts and stops.
"""
