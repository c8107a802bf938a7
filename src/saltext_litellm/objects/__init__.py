"""What serves any kind of object that a gateway holds.

arguments (reading) → declared → plan → step (steps) → request (execute) → store → plan again, until
no step is left (run) → outcome → words (report/comments). A kind gives its part as ``Operations``.
"""
