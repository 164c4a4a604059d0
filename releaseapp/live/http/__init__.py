"""HTTP/1.1 in greenlets, the application in native threads: the all-in-one server's way of serving pages."""
