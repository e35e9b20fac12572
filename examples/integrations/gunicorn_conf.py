"""gunicorn --config gunicorn_conf.py flask_app:app"""

bind = "127.0.0.1:8000"
workers = 2
preload_app = True  # the master imports the app and loads once; each worker starts with a copy and a thread of its own
