"""Runs microburst in the emulator's environment, and stops it when its launcher goes."""

import os
import runpy
import signal
import threading


def stop_with_launcher() -> None:
    """Ends this process when the launcher is gone: it holds the other end of our standard input."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    stop_with_launcher()
    runpy.run_module("microburst", run_name="__main__", alter_sys=True)
