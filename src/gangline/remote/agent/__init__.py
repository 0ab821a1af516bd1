"""What runs on each host and owns the process groups of the jobs there. Only the standard library, Python 3.7 on.

Its sources are carried over the connection, so nothing here may import anything else of Gangline.
"""
