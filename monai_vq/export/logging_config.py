"""`configs/logging.conf`: what a handed-on model says while it runs, in the only form that MONAI 1.6.1 takes."""

LOGGING = """[loggers]
keys=root,monai_vq

[handlers]
keys=console

[formatters]
keys=plain

[logger_root]
level=WARNING
handlers=console

[logger_monai_vq]
level=INFO
handlers=console
qualname=monai_vq
propagate=0

[handler_console]
class=StreamHandler
level=INFO
formatter=plain
args=(sys.stderr,)

[formatter_plain]
format=%(message)s
"""
