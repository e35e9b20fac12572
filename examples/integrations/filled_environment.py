"""For code that reads environment variables. Run it: python filled_environment.py"""

import os

from configsvc_client import Config, environment

environment.fill(Config(), allow=["DB_*"])  # before you import whatever reads DB_URL

if __name__ == "__main__":
    print(os.environ["DB_URL"], os.environ["DB_POOL"], "LOG_LEVEL" in os.environ)
